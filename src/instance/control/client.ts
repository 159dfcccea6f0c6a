import { once } from 'node:events';
import { lstat, readdir, rm } from 'node:fs/promises';
import { type Socket, connect } from 'node:net';
import { join } from 'node:path';
import { ExitCode, GvaError } from '../../system/errors.js';
import { readTextIfExists } from '../../system/files.js';
import { controlFiles, controlFolder } from '../../system/paths.js';
import type { GuestCommand } from '../../channel/command.js';
import type { InsertWay, Inserted } from '../../model/insert.js';
import type { Snapshot } from '../snapshot.js';
import { judgeProcess, parseProcessIdentity } from '../../system/process-identity.js';
import {
  type AgentOrder,
  type ControlAnswer,
  type ControlRequest,
  type RunningInstance,
  answerSchema,
} from './protocol.js';
import { firstLine } from './server.js';

/** An instance, and how its process is spoken to. */
export interface FoundInstance extends RunningInstance {
  readonly socket: string;
}

/** Milliseconds that a process has to tell of its instances. */
const patience = 3000;

/** The instances of this user's that run on this machine. What killed processes left is removed. */
export async function runningInstances(): Promise<FoundInstance[]> {
  const folder = controlFolder();
  const found: FoundInstance[] = [];
  for (const name of await readdir(folder).catch(() => [])) {
    const note = join(folder, name);
    const socket = join(folder, controlFiles.socketOf(name) ?? '');
    if (socket === folder || !(await lives(note, socket))) continue;
    const answer = await ask(socket, { v: 1, request: 'list' }, patience).catch(() => undefined);
    if (answer && 'instances' in answer)
      found.push(...answer.instances.map((instance) => ({ ...instance, socket })));
  }
  return found.sort((a, b) => (a.startedAt < b.startedAt ? -1 : 1));
}

/**
 * What an instance of a process has said last on its console, at most 8 KiB of it, as the guest has written it. Undefined
 * where that process has no such instance on this machine, or does not tell.
 */
export async function consoleOf(pid: number, instance: string): Promise<string | undefined> {
  const folder = controlFolder();
  for (const name of await readdir(folder).catch(() => [])) {
    const socket = controlFiles.socketOf(name);
    if (socket === undefined || !name.startsWith(`${pid}-`)) continue;
    if (!(await lives(join(folder, name), join(folder, socket)))) continue;
    const asked = { v: 1, request: 'console', instance } as const;
    const answer = await ask(join(folder, socket), asked, patience).catch(() => undefined);
    if (answer && 'console' in answer) return answer.console;
  }
  return undefined;
}

async function lives(note: string, socket: string): Promise<boolean> {
  const info = await lstat(note).catch(() => undefined);
  if (!info?.isFile() || info.size > 4096) return false;
  const process = parseProcessIdentity((await readTextIfExists(note)) ?? '');
  if (!process) return false;
  const state = await judgeProcess(process);
  if (state === 'dead') for (const file of [socket, note]) await rm(file, { force: true });
  return state === 'alive';
}

/**
 * Asks a process something.
 *
 * @param limit milliseconds
 * @throws GvaError CONTROL where it does not answer; what its answer says is wrong
 */
export async function ask(socket: string, request: ControlRequest, limit: number): Promise<ControlAnswer> {
  const connection = connect({ path: socket });
  try {
    return checked(await exchange(connection, JSON.stringify(request), limit));
  } finally {
    connection.destroy();
  }
}

/** @throws GvaError what the answer says is wrong, or CONTROL */
function checked(line: string): ControlAnswer {
  const answer = parse(line);
  if (!answer) throw unanswered('its answer cannot be read');
  if (!('error' in answer)) return answer;
  const { code, message, hint } = answer.error;
  throw new GvaError(code, message, {
    exitCode: ExitCode.infrastructure,
    ...(hint === undefined ? {} : { hint }),
  });
}

/**
 * Has the guest of an instance mount a folder or an ISO image, and run its scripts to their end.
 *
 * @throws GvaError CONTROL, and what the process of the instance says
 */
export async function insert(
  { socket: path, id }: FoundInstance,
  source: string,
  by: InsertWay,
): Promise<Inserted> {
  const answer = await ask(path, { v: 1, request: 'insert', instance: id, source, by }, unlimited);
  if ('inserted' in answer) return answer.inserted;
  throw unanswered('it answers something else');
}

/**
 * Has the output of an instance, as it is, brought into a new folder.
 *
 * @throws GvaError CONTROL, and what the process of the instance says
 */
export async function snapshot({ socket: path, id }: FoundInstance, out: string): Promise<Snapshot> {
  const answer = await ask(path, { v: 1, request: 'snapshot', instance: id, out }, unlimited);
  if ('snapshot' in answer) return answer.snapshot;
  throw unanswered('it answers something else');
}

/**
 * Tells the QEMU guest agent of an instance something.
 *
 * @throws GvaError CONTROL, CHANNEL, CHANNEL_REFUSED
 */
export async function tellAgent({ socket: path, id }: FoundInstance, order: AgentOrder): Promise<void> {
  await ask(path, { v: 1, request: 'agent', instance: id, order }, execTime);
}

/** Milliseconds: scripts may take as long as they like; setTimeout takes no more. */
const unlimited = 2 ** 31 - 1;

/**
 * Starts a command in the guest of an instance.
 *
 * @throws GvaError CONTROL, CHANNEL_NONE, CHANNEL, CHANNEL_BUSY, CHANNEL_EXEC
 */
export async function execute(
  { socket: path, id }: FoundInstance,
  words: readonly string[],
): Promise<GuestCommand> {
  const socket: Socket = connect({ path });
  try {
    const request: ControlRequest = { v: 1, request: 'exec', instance: id, words: [...words] };
    const line = await exchange(socket, JSON.stringify(request), execTime);
    checked(line);
  } catch (error) {
    socket.destroy();
    throw error;
  }
  const { RemoteCommand } = await import('../../channel/remote-command.js');
  return new RemoteCommand(socket);
}

/** Milliseconds for a guest that is booting yet. */
const execTime = 30_000;

async function exchange(socket: Socket, line: string, limit: number): Promise<string> {
  const signal = AbortSignal.timeout(limit);
  const end = () => socket.destroy();
  signal.addEventListener('abort', end, { once: true });
  try {
    await once(socket, 'connect', { signal });
    socket.on('error', () => undefined);
    socket.write(`${line}\n`);
    const answer = await firstLine(socket);
    if (answer === undefined) throw new Error(signal.aborted ? 'no answer in time' : 'it has ended');
    return answer;
  } catch (error) {
    throw unanswered(error instanceof Error ? error.message : String(error));
  } finally {
    signal.removeEventListener('abort', end);
  }
}

function parse(line: string): ControlAnswer | undefined {
  try {
    return answerSchema.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
}

const unanswered = (why: string) =>
  new GvaError('CONTROL', `the process of the instance does not answer: ${why}`, {
    exitCode: ExitCode.infrastructure,
  });
