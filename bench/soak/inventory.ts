import { readFile, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** What this process and all that it has started hold of the host; empty lists and equal numbers where nothing leaks. */
export interface Inventory {
  /** Command lines of descendants, and of whatever names the folder. */
  readonly processes: readonly string[];
  /** What the descriptors of this process lead to, without their numbers. */
  readonly descriptors: readonly string[];
  /** Names below the folder, of what is not to stay: scratch folders, temporary files, results of a round. */
  readonly files: readonly string[];
  /** Names in /dev/shm that have come since the start. */
  readonly shared: readonly string[];
  /** Bytes of the heap after a collection. */
  readonly heap: number;
}

/** @param folders that are to be empty between two rounds */
export async function takeInventory(
  folder: string,
  folders: readonly string[],
  sharedBefore: ReadonlySet<string>,
): Promise<Inventory> {
  const heap = await heapAfterCollection();
  return {
    heap,
    processes: await processesOf(folder),
    descriptors: await openDescriptors(),
    files: (await Promise.all(folders.map(namesBelow))).flat(),
    shared: (await sharedMemory()).filter((name) => !sharedBefore.has(name)),
  };
}

export const sharedMemory = () => readdir('/dev/shm').catch((): string[] => []);

const namesBelow = async (folder: string) =>
  (await readdir(folder, { recursive: true })).map((name) => join(folder, name));

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

async function processesOf(folder: string): Promise<string[]> {
  const all = new Map<number, Process>();
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await readFile(`/proc/${name}/stat`, 'latin1').catch(() => '');
    const command = await readFile(`/proc/${name}/cmdline`, 'latin1').catch(() => '');
    // After the command, in parentheses: state, parent (proc(5)).
    const [state = 'X', parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (state !== 'X') all.set(Number(name), { pid: Number(name), parent: Number(parent), command });
  }
  const ours = (each: Process | undefined): boolean =>
    each !== undefined && (each.parent === process.pid || ours(all.get(each.parent)));
  const ancestors = new Set<number>();
  for (let at = all.get(process.pid); at; at = all.get(at.parent)) ancestors.add(at.pid);
  return [...all.values()]
    .filter((each) => !ancestors.has(each.pid) && (ours(each) || each.command.includes(folder)))
    .map(({ command }) => command.replaceAll('\0', ' ').trim() || 'a process that has ended');
}

/** Its own listing of them is not among them: it has been closed when they are looked at. */
async function openDescriptors(): Promise<string[]> {
  const targets: string[] = [];
  for (const name of await readdir('/proc/self/fd')) {
    const target = await readlink(`/proc/self/fd/${name}`).catch(() => undefined);
    if (target !== undefined) targets.push(target.replace(/^(\w+):\[\d+\]$/, '$1'));
  }
  return targets.sort();
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** What SQLite's statements hold goes with them, some turns of the loop after they were collected. */
async function heapAfterCollection(): Promise<number> {
  for (let times = 0; times < 5; times++) {
    collect();
    await nextTurn();
  }
  return process.memoryUsage().heapUsed;
}
