import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packageRoot } from '../src/system/paths.js';
import { execute } from './gva.js';

/** What a command took. */
export interface Cost {
  /** From start to end. */
  readonly seconds: number;
  /** Of processor time, of all its processes that were waited for. */
  readonly processor: number;
  /** Processors that others kept busy meanwhile, on average: the host's busy time that is not the command's. */
  readonly others: number;
}

/** Runs the command line program, which must succeed, and measures it. */
export async function costOf(...args: string[]): Promise<Cost> {
  const before = await busySeconds();
  const start = performance.now();
  // POSIX: `times` prints user and system time of the shell, then of its children.
  const script = '"$@" >/dev/null || exit; times';
  const { stdout } = await execute('sh', ['-c', script, 'sh', join(packageRoot, 'bin/gva'), ...args]);
  const seconds = (performance.now() - start) / 1000;
  const [user = '', system = ''] = (stdout.trim().split('\n').at(-1) ?? '').split(' ');
  const processor = secondsOf(user) + secondsOf(system);
  const others = Math.max(0, (await busySeconds()) - before - processor) / seconds;
  return { seconds, processor, others };
}

/** `1m2.50s` */
function secondsOf(text: string): number {
  const [, minutes, seconds] = /^(\d+)m([\d.]+)s$/.exec(text) ?? [];
  if (minutes === undefined) throw new Error(`no time of a shell: ${text}`);
  return 60 * Number(minutes) + Number(seconds);
}

/** Seconds that the host's processors were not idle since its boot: proc_stat(5), in hundredths. */
async function busySeconds(): Promise<number> {
  const [line = ''] = (await readFile('/proc/stat', 'utf8')).split('\n');
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = line
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user + nice + system + irq + softirq + steal) / 100;
}
