/**
 * Bytes that a worker takes with its VMM, beside the guest's memory: measured were 95 MiB of the worker, and up to 64 MiB
 * of QEMU.
 */
const overhead = 160 << 20;

/** Bytes that a job must be given at least for instances of that memory, one after the other. */
export const neededMemory = (guest: number): number => guest + overhead;
