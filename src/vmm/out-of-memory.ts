import { readFileSync } from 'node:fs';

/**
 * How many processes this host's kernel has killed for want of memory since it was started, in all groups (vmstat's oom_kill,
 * Linux 4.13); 0 where it does not say.
 */
export function outOfMemoryKills(): number {
  try {
    return Number(/^oom_kill (\d+)$/m.exec(readFileSync('/proc/vmstat', 'latin1'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}
