import { type ReadHostFile, numberNamed, readHostFile } from './host-files.js';

/** Bytes of memory that each running instance takes, by the number of the process that leads it. */
export type MeasuredMemory = ReadonlyMap<number, number>;

/** Processes of one instance; User-mode Linux has one for each of its guest's. */
const mostProcesses = 4096;

/**
 * Measures the VMMs that this process has started: its children that lead a session (as libexec/gva-supervise is
 * started), each with all its descendants. Memory that several processes share counts once (Pss of
 * /proc/PID/smaps_rollup, Linux 4.14), or for each of them where that cannot be read. Empty where the kernel does not
 * list children (CONFIG_PROC_CHILDREN).
 */
export async function measureInstances(
  pid: number = process.pid,
  read: ReadHostFile = readHostFile,
): Promise<MeasuredMemory> {
  const measured = new Map<number, number>();
  for (const child of await childrenOf(pid, read)) {
    const stat = fieldsOf(await read(`/proc/${child}/stat`));
    // proc_pid_stat(5): field 6 is the session; these begin with field 3.
    if (stat?.[3] === String(child)) measured.set(child, await memoryOfTree(child, read));
  }
  return measured;
}

async function memoryOfTree(leader: number, read: ReadHostFile): Promise<number> {
  const tree = [leader];
  let bytes = 0;
  for (let at = 0; at < tree.length && at < mostProcesses; at++) {
    const pid = tree[at] ?? leader;
    bytes += await memoryOf(pid, read);
    tree.push(...(await childrenOf(pid, read)));
  }
  return bytes;
}

async function memoryOf(pid: number, read: ReadHostFile): Promise<number> {
  const rollup = await read(`/proc/${pid}/smaps_rollup`);
  const shared = numberNamed(rollup, 'Pss');
  if (shared !== undefined) return shared * 1024;
  const status = await read(`/proc/${pid}/status`);
  return (numberNamed(status, 'VmRSS') ?? 0) * 1024;
}

/** Of its first thread, which is the one that Node and the VMMs start others from. */
async function childrenOf(pid: number, read: ReadHostFile): Promise<number[]> {
  const text = await read(`/proc/${pid}/task/${pid}/children`);
  return (text ?? '').split(' ').filter(Boolean).map(Number).filter(Number.isSafeInteger);
}

/** The command, in parentheses, may have anything in it. */
const fieldsOf = (stat: string | undefined) => stat?.slice(stat.lastIndexOf(')') + 2).split(' ');

/**
 * What an instance takes, learnt from those that run: never less than the most that any of these has taken, and
 * coming down by an eighth of the difference for each that ends having taken less.
 */
export class MemoryEstimate {
  #bytes: number;
  /** The most that each running one was seen with. */
  #peaks = new Map<number, number>();

  /** @param first bytes to begin with: the guest's memory and what a VMM takes beside it */
  constructor(first: number) {
    this.#bytes = first;
  }

  get bytes(): number {
    return this.#bytes;
  }

  note(measured: MeasuredMemory): void {
    for (const [leader, peak] of this.#peaks)
      if (!measured.has(leader)) this.#bytes -= Math.max(0, this.#bytes - peak) / 8;
    const peaks = new Map<number, number>();
    for (const [leader, bytes] of measured) peaks.set(leader, Math.max(bytes, this.#peaks.get(leader) ?? 0));
    this.#peaks = peaks;
    this.#bytes = Math.max(this.#bytes, ...peaks.values());
  }

  /** Bytes that so many instances will still take if each comes to the estimate; some may not be measured yet. */
  stillToCome(running: number): number {
    let bytes = 0;
    for (const peak of this.#peaks.values()) bytes += this.#bytes - peak;
    return bytes + Math.max(0, running - this.#peaks.size) * this.#bytes;
  }
}
