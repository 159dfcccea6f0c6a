import { readFileSync, readlinkSync } from 'node:fs';
import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';

/** A process as one can still tell it from others when its number is used again, or elsewhere. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks since the host's boot. */
  readonly start: string;
  /** Boot and process namespace of the number. */
  readonly realm: string;
  /** Machine id and name of the host; empty where it has no id. */
  readonly machine: string;
}

/** The process of that number here; undefined where there is none. */
export async function processIdentity(pid: number): Promise<ProcessIdentity | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  const fields = text === undefined ? [] : fieldsOf(text);
  if (fields.length === 0 || fields[0] === 'Z') return undefined;
  return { pid, start: fields[19] ?? '', realm: await processRealm(), machine: await machineName() };
}

let own: ProcessIdentity | undefined;

/** This process, at once; what the host does not tell of it is empty. */
export function ownIdentity(): ProcessIdentity {
  const read = (path: string) => orEmpty(() => readFileSync(path, 'utf8'));
  return (own ??= {
    pid: process.pid,
    start: fieldsOf(read('/proc/self/stat'))[19] ?? '',
    realm: realmOf(
      read(files.boot),
      orEmpty(() => readlinkSync(files.namespace)),
    ),
    machine: machineOf(read(files.machine)),
  });
}

/** The command, in parentheses, may have anything in it; starttime is field 22 (proc(5)), state field 3. */
const fieldsOf = (text: string) => text.slice(text.lastIndexOf(')') + 2).split(' ');

function orEmpty(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}

/**
 * Whether a process still lives. `unknown`: it was seen from another host or container, where this process
 * cannot look. One of this very machine before its last restart is dead.
 */
export async function judgeProcess(process: ProcessIdentity): Promise<'alive' | 'dead' | 'unknown'> {
  const realm = await processRealm();
  if (process.realm === realm) {
    const there = await processIdentity(process.pid);
    return there?.start === process.start ? 'alive' : 'dead';
  }
  const restarted = bootOf(process.realm) !== bootOf(realm);
  const here = await machineName();
  return restarted && here !== '' && process.machine === here ? 'dead' : 'unknown';
}

/** Undefined where the text, JSON, describes no process. */
export function parseProcessIdentity(text: string): ProcessIdentity | undefined {
  try {
    const { pid, start, realm, machine } = JSON.parse(text) as Partial<Record<string, unknown>>;
    if (typeof pid !== 'number' || typeof start !== 'string' || typeof realm !== 'string') return undefined;
    return { pid, start, realm, machine: typeof machine === 'string' ? machine : '' };
  } catch {
    return undefined;
  }
}

const files = {
  boot: '/proc/sys/kernel/random/boot_id',
  namespace: '/proc/self/ns/pid',
  machine: '/etc/machine-id',
};

/** Of this process: it stays the same as long as it lives. */
let ownRealm: Promise<string> | undefined;
let ownMachine: Promise<string> | undefined;

const processRealm = () => (ownRealm ??= readRealm());
const machineName = () => (ownMachine ??= readMachine());

async function readRealm(): Promise<string> {
  const boot = await readFile(files.boot, 'utf8').catch(() => '');
  return realmOf(boot, await readlink(files.namespace).catch(() => ''));
}

const realmOf = (boot: string, namespace: string) => `${boot.trim()} ${namespace}`;

/** What of a realm tells the host's boot. */
export const bootOf = (realm: string): string => realm.split(' ')[0] ?? '';

async function readMachine(): Promise<string> {
  return machineOf(await readFile(files.machine, 'utf8').catch(() => ''));
}

const machineOf = (id: string) => (id.trim() === '' ? '' : `${id.trim()} ${hostname()}`);
