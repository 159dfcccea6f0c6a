import type { Command } from 'commander';
import type { PackageLimits } from '../ovf/package/limits.js';
import { count, size } from './quantities.js';

export interface LimitOptions {
  maxMembers?: string;
  maxInflated?: string;
  maxCapacity?: string;
  maxDescriptor?: string;
}

/** What a package may ask for at most. */
export function addLimitOptions(command: Command): Command {
  return command
    .option('--max-members <n>', 'files in the package (default: 1000)')
    .option('--max-inflated <size>', 'bytes to which compressed content may expand (default: 64G)')
    .option('--max-capacity <size>', 'capacity of all disks together (default: 16T)')
    .option('--max-descriptor <size>', 'bytes of the descriptor (default: 4M)');
}

export function packageLimits(options: LimitOptions): Partial<PackageLimits> {
  const { maxMembers, maxInflated, maxCapacity, maxDescriptor } = options;
  return {
    ...(maxMembers === undefined ? {} : { members: count('--max-members', maxMembers, 1) }),
    ...(maxInflated === undefined ? {} : { inflated: size('--max-inflated', maxInflated) }),
    ...(maxCapacity === undefined ? {} : { capacity: size('--max-capacity', maxCapacity) }),
    ...(maxDescriptor === undefined ? {} : { descriptor: size('--max-descriptor', maxDescriptor) }),
  };
}
