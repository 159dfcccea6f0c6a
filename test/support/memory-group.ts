import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { readFile, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from './gva.js';

// Control groups with a limit of memory, of version 1 or 2, where this user may make them.
const [one, two] = ['/sys/fs/cgroup/memory', '/sys/fs/cgroup'];
const version = existsSync(join(one, 'memory.limit_in_bytes')) ? 1 : 2;

export interface MemoryGroup extends AsyncDisposable {
  /** Words before a command that runs it, and all that it starts, in the group. @param score for the OOM killer, at most 1000 */
  readonly inside: (score?: number) => readonly string[];
  /** How many processes the OOM killer has killed in it. */
  kills(): Promise<number>;
}

const enter = 'echo $$ >"$1/cgroup.procs" && echo "$2" >/proc/self/oom_score_adj && shift 2 && exec "$@"';

/** @param bytes that all of it may take, without swap */
export function makeMemoryGroup(bytes: number): MemoryGroup {
  const folder = join(version === 1 ? one : two, `gva-test-${process.pid}-${Date.now()}`);
  mkdirSync(folder);
  writeFileSync(join(folder, version === 1 ? 'memory.limit_in_bytes' : 'memory.max'), String(bytes));
  const swap = join(folder, version === 1 ? 'memory.memsw.limit_in_bytes' : 'memory.swap.max');
  if (existsSync(swap)) writeFileSync(swap, version === 1 ? String(bytes) : '0');
  return {
    inside: (score = 0) => ['sh', '-c', enter, 'sh', folder, String(score)],
    kills: async () => {
      const events = join(folder, version === 1 ? 'memory.oom_control' : 'memory.events');
      return Number(/^oom_kill (\d+)$/m.exec(await readFile(events, 'utf8'))?.[1] ?? 0);
    },
    // A group with processes cannot be removed; those that were killed take a moment.
    [Symbol.asyncDispose]: () =>
      eventually(() =>
        rmdir(folder).then(
          () => true,
          () => false,
        ),
      ),
  };
}

/** Empty where groups can be made; else what it needs, for the name of what is skipped. */
export const needsMemoryGroups = ((): string => {
  try {
    const folder = join(version === 1 ? one : two, `gva-test-${process.pid}`);
    mkdirSync(folder);
    const fit = existsSync(join(folder, version === 1 ? 'memory.limit_in_bytes' : 'memory.max'));
    rmdirSync(folder);
    return fit ? '' : ' (needs control groups with memory)';
  } catch {
    return ' (needs a user who may make control groups)';
  }
})();
