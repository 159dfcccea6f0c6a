import { availableParallelism, freemem } from 'node:os';
import type { Appliance } from '../model/appliance.js';

/** Bytes that a VMM takes beside its guest's memory. */
const overhead = 64 << 20;

export interface HostRoom {
  readonly cpus: number;
  /** Bytes that can be used without swapping. */
  readonly memory: number;
}

/** What this process may use now. */
export function hostRoom(): HostRoom {
  // 0 or more than there is: no limit of a control group.
  const limit = process.constrainedMemory();
  return { cpus: availableParallelism(), memory: limit > 0 ? Math.min(freemem(), limit) : freemem() };
}

/** Instances of this appliance that fit at once: as many as the CPUs and the free memory allow, at least 1. */
export function instancesAtOnce({ hardware }: Pick<Appliance, 'hardware'>, room: HostRoom): number {
  const byCpus = Math.floor(room.cpus / hardware.cpus);
  const byMemory = Math.floor(room.memory / (hardware.memory + overhead));
  return Math.max(1, Math.min(byCpus, byMemory));
}
