import type { MachineSpec } from './driver.js';
import type { ResourceLimits } from './supervisor.js';

/** What a VMM's own bookkeeping adds to a file: the tables of an overlay, and some. */
const overhead = 64 << 20;

export interface VmmNeeds {
  /** Bytes of the largest file that the VMM itself makes; none where absent. */
  readonly file?: number;
  /** Bytes of address space that the VMM takes beside the guest's memory; not limited where absent. */
  readonly addressSpace?: number;
}

/** No file that a machine writes need be larger than its largest disk, or than what the VMM itself needs. */
export function machineLimits({ disks, memory, cpuTime }: MachineSpec, needs: VmmNeeds): ResourceLimits {
  const largest = Math.max(needs.file ?? 0, ...disks.map(({ size }) => size));
  return {
    fileSize: Math.ceil(largest * 1.01) + overhead,
    ...(cpuTime === undefined ? {} : { cpuTime }),
    ...(needs.addressSpace === undefined ? {} : { addressSpace: memory + needs.addressSpace }),
  };
}
