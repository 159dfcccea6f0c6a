import { execFile, spawn } from 'node:child_process';
import { lstat, open, readFile, readdir, realpath, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { packageRoot } from '../../src/system/package.js';

/** What may happen to a file operation; see faults.c. */
export const faultKinds = ['ENOSPC', 'EMFILE', 'EIO', 'EACCES', 'ESTALE', 'REPLY', 'SHORT', 'CUT'] as const;
export type FaultKind = (typeof faultKinds)[number];

export interface Fault {
  readonly kind: FaultKind;
  /** Number of the operation that fails, from 1; of those only that can fail in that way. 0: none does, all are counted. */
  readonly at: number;
  /** How many fail in a row; 1 where absent. */
  readonly many?: number;
}

/** What a network file system may do to all operations, for as long as something runs; see faults.c. */
export interface NetworkFaults {
  /** `NONE`: nothing fails. */
  readonly kind: 'ESTALE' | 'REPLY' | 'ENOLCK' | 'NONE';
  /** One operation fails in so many of those that can. */
  readonly every: number;
  /** Milliseconds before other process groups see a new name. */
  readonly late?: number;
}

/** The environment of processes for which the files below the folder of that place are on such a file system. */
export async function networkFileSystem(
  { shim, root, state, log }: FaultPlace,
  { kind, every, late = 0 }: NetworkFaults,
): Promise<Readonly<Record<string, string>>> {
  await writeFile(state, Buffer.alloc(24 + (late > 0 ? 3 * 2 ** 19 : 0)));
  await writeFile(log, '');
  return {
    ...{ LD_PRELOAD: shim, GVA_FAULT_ROOT: await realpath(root), GVA_FAULT_STATE: state, GVA_FAULT_LOG: log },
    ...{ GVA_FAULT_KIND: kind, GVA_FAULT_EVERY: String(every), GVA_FAULT_LATE: String(late) },
  };
}

/** What was made to fail by now: operation and file. */
export const faultsSoFar = async ({ log }: Pick<FaultPlace, 'log'>): Promise<string[]> =>
  (await readFile(log, 'utf8')).split('\n').filter((line) => line.startsWith('! '));

/** `GVA_FAULT=EIO:117`: this one alone. */
const [onlyKind, onlyAt] = (process.env['GVA_FAULT'] ?? '').split(':');
/** How many of each kind are tried, unless all are. */
const wanted = process.env['GVA_FAULT_SAMPLE'];

/** Whether more is to be tried than usual: one fault alone, more of each kind, or all. */
export const asksForMore = ['GVA_FAULT', 'GVA_FAULT_SAMPLE', 'GVA_LONG'].some((name) => process.env[name]);

export const chosenKinds = faultKinds.filter((kind) => !onlyKind || kind === onlyKind);

/** Numbers from 1 to `count`: all in the long form, else as many as were asked for, or one, spread over them at random. */
export function chosenOperations(count: number): number[] {
  if (onlyAt) return [Number(onlyAt)];
  if (process.env['GVA_LONG']) return Array.from({ length: count }, (_, index) => index + 1);
  const sample = Math.min(count, Number(wanted ?? 1));
  const offset = Math.floor(Math.random() * (count / sample));
  return Array.from({ length: sample }, (_, index) => 1 + offset + Math.floor((index * count) / sample));
}

export interface FaultyRun {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Operations that could have failed in that way. */
  readonly operations: number;
  /** What was made to fail: operation and file. */
  readonly faults: readonly string[];
  /** It had to be ended, because its time was over. */
  readonly endless: boolean;
}

/**
 * Whether libsql has ended the process: it does where it cannot have a pair of sockets that it wants. Where descriptors are
 * really used up this is seen before (`newDatabase()`); a fault at that one call comes after.
 */
export const endedByLibsql = ({ signal, stderr }: FaultyRun): boolean =>
  signal === 'SIGABRT' && stderr.includes('failed to create UnixStream');

/** Builds the fault layer of faults.c. */
export async function buildFaultLayer(folder: string): Promise<string> {
  const library = join(folder, 'faults.so');
  const source = join(packageRoot, 'test/support/faults.c');
  await promisify(execFile)('cc', ['-shared', '-fPIC', '-O1', '-o', library, source, '-ldl']);
  return library;
}

/** Where a faulty run has what the layer writes: outside of the folder whose files it is about. */
export interface FaultPlace {
  readonly shim: string;
  /** Operations on files below this folder may fail. */
  readonly root: string;
  readonly state: string;
  readonly log: string;
}

export interface Circumstances {
  readonly env?: Readonly<Record<string, string>>;
  /** After which it is ended. */
  readonly seconds: number;
  readonly cwd?: string;
}

/** Runs a Node.js program with one fault. */
export async function runWithFault(
  args: readonly string[],
  { kind, at, many = 1 }: Fault,
  place: FaultPlace,
  { env = {}, seconds, cwd }: Circumstances,
): Promise<FaultyRun> {
  await writeFile(place.state, Buffer.alloc(24));
  await writeFile(place.log, '');
  const settings = {
    ...{ LD_PRELOAD: place.shim, GVA_FAULT_ROOT: await realpath(place.root) },
    ...{ GVA_FAULT_STATE: place.state, GVA_FAULT_LOG: place.log },
    ...{ GVA_FAULT_KIND: kind, GVA_FAULT_AT: String(at), GVA_FAULT_FOR: String(many) },
  };
  // A group of its own, which a power cut kills.
  const child = spawn(process.execPath, args, {
    env: { ...process.env, ...env, ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    cwd,
  });
  let endless = false;
  const timer = setTimeout(() => {
    endless = true;
    child.kill('SIGKILL');
  }, seconds * 1000);
  const [stdout, stderr, ended] = await Promise.all([
    child.stdout.setEncoding('utf8').toArray(),
    child.stderr.setEncoding('utf8').toArray(),
    new Promise<Pick<FaultyRun, 'code' | 'signal'>>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code, signal) => resolve({ code, signal }));
    }),
  ]);
  clearTimeout(timer);
  const faults = (await readFile(place.log, 'utf8')).split('\n').filter((line) => line.startsWith('! '));
  return {
    ...ended,
    ...{ stdout: stdout.join(''), stderr: stderr.join(''), endless },
    operations: Number((await readFile(place.state)).readBigInt64LE(0)),
    faults,
  };
}

/**
 * What becomes of bytes that were written over, and not synced, when the power is cut: all had reached the disk, none, or every
 * second sector. A disk promises none of these before a sync.
 */
const overwrittenBytes = ['new', 'old', 'torn'] as const;
const sectorSize = 512;

/**
 * After a cut: what no fsync had brought to the disk is gone. Names are as they were at the cut, which is the worst that a
 * file system with delayed allocation does: a file that was renamed before it was synced is there, and empty.
 *
 * @param at number of the operation before which it was; operations in a row differ in what becomes of bytes written over
 * @returns the files that lost something
 */
export async function dropUnsynced({ root, log }: FaultPlace, at: number): Promise<string[]> {
  const unsynced = await unsyncedFiles(log);
  const overwritten = overwrittenBytes[at % overwrittenBytes.length] ?? 'new';
  const lost: string[] = [];
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    const { ino, size } = await lstat(file);
    const before = unsynced.get(ino);
    if (before && (await lose(file, size, before, overwritten))) lost.push(file);
  }
  return lost;
}

/** @returns whether it had anything to lose */
async function lose(
  file: string,
  size: number,
  { durable, shortest, before }: UnsyncedFile,
  overwritten: (typeof overwrittenBytes)[number],
): Promise<boolean> {
  const kept = overwritten === 'new' ? shortest : durable;
  const put = overwritten === 'new' ? [] : before.flatMap((each) => upTo(durable, each));
  if (kept < size) await truncate(file, kept);
  if (put.length > 0) await putBack(file, put, overwritten === 'torn');
  return kept < size || put.length > 0;
}

/** Bytes that a file had from an offset on. */
interface Before {
  readonly offset: number;
  readonly bytes: Buffer;
}

const upTo = (end: number, { offset, bytes }: Before): Before[] =>
  offset < end ? [{ offset, bytes: bytes.subarray(0, end - offset) }] : [];

/** @param torn every second sector only */
async function putBack(file: string, before: readonly Before[], torn: boolean): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    for (const { offset, bytes } of before.toReversed())
      for (let at = 0; at < bytes.length;) {
        const sector = Math.floor((offset + at) / sectorSize);
        const end = Math.min(bytes.length, (sector + 1) * sectorSize - offset);
        if (!torn || sector % 2 === 1) await handle.write(bytes, at, end - at, offset + at);
        at = end;
      }
  } finally {
    await handle.close();
  }
}

interface UnsyncedFile {
  /** Bytes that are on the disk, as their number. */
  readonly durable: number;
  /** The same, if what was cut off since is gone. */
  readonly shortest: number;
  /** What it had where it was written over since it was synced, oldest first. */
  readonly before: readonly Before[];
}

/** By inode: the files that were written to, and what of them is synced. */
async function unsyncedFiles(log: string): Promise<Map<number, UnsyncedFile>> {
  const files = new Map<number, UnsyncedFile & { readonly size: number }>();
  const synced = (size: number) => ({ size, durable: size, shortest: size, before: [] });
  for (const line of (await readFile(log, 'utf8')).split('\n')) {
    const [what, inode = '', number = '', bytes = ''] = line.split(' ');
    const key = Number(inode);
    const size = Number(number);
    const file = files.get(key);
    if (what === 'c') files.set(key, synced(0));
    else if (what === 's') files.set(key, synced(size));
    else if (what === 'a') for (const [each, { size: now }] of files) files.set(each, synced(now));
    // What was there before the run is on the disk.
    else if (what === 'b' && !file) files.set(key, synced(size));
    else if (what === 'w' && file) files.set(key, { ...file, size, shortest: Math.min(file.shortest, size) });
    else if (what === 'o' && file)
      files.set(key, {
        ...file,
        before: [...file.before, { offset: size, bytes: Buffer.from(bytes, 'hex') }],
      });
  }
  return files;
}
