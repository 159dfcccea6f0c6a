import { once } from 'node:events';
import { chmod, rename, rm, writeFile } from 'node:fs/promises';
import { type Server, type Socket, createServer } from 'node:net';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { GvaError, messageOf } from '../../system/errors.js';
import { controlFiles, controlFolder } from '../../system/paths.js';
import { ensureFolder, temporarySibling } from '../../system/files.js';
import { ownIdentity } from '../../system/process-identity.js';
import { removeAbandonedIn } from '../../system/temporary.js';
import type { GuestCommand } from '../../channel/command.js';
import type { Taken } from '../checkpoint/checkpointer.js';
import type { InsertWay, Inserted } from '../../model/insert.js';
import type { Snapshot } from '../snapshot.js';
import type { AgentOrder, ControlAnswer, RunningInstance } from './protocol.js';

/** An instance that can be asked something. */
export interface Controlled {
  describe(): RunningInstance;
  /** @param stop end it afterwards */
  checkpoint(stop: boolean): Promise<Taken>;
  /** Has its guest mount a folder or an ISO image, and run its scripts. */
  insert(source: string, by: InsertWay): Promise<Inserted>;
  /** Brings its output so far into a new folder. */
  snapshot(out: string): Promise<Snapshot>;
  /** The last of what it has said on its console, as it has written it; at most 8 KiB. */
  console(): string;
  /** Tells the QEMU guest agent of its guest something. */
  tellAgent(order: AgentOrder): Promise<void>;
  /** Starts a command in its guest. */
  exec(words: readonly string[]): Promise<GuestCommand>;
}

/** Bytes of a line, in either direction, at most. */
export const longestLine = 64 << 10;
/** Connections at the same time, at most. */
const mostConnections = 16;
/** Milliseconds for a line to come. */
const lineTime = 10_000;

/**
 * By which others of this user find and address the instances of this process: a socket, and beside it a note of whose it
 * is. Disposing it removes both; of a killed process, who looks next does.
 */
export class ControlServer implements AsyncDisposable {
  readonly #instances = new Map<string, Controlled>();
  readonly #server: Server;
  readonly #files: readonly string[];

  /** Undefined where this host lets no socket be made there: the instances run as well. */
  static async listen(): Promise<ControlServer | undefined> {
    const name = `${process.pid}-${randomBytes(4).toString('hex')}`;
    try {
      const folder = await ensureFolder(controlFolder());
      await chmod(folder, 0o700);
      await removeAbandonedIn(folder);
      const [socket, note] = [join(folder, controlFiles.socket(name)), join(folder, controlFiles.note(name))];
      const server = new ControlServer(socket, note);
      await server.#listen(socket, note);
      return server;
    } catch {
      return undefined;
    }
  }

  private constructor(...files: readonly string[]) {
    this.#files = files;
    this.#server = createServer((socket) => void this.#serve(socket));
    this.#server.maxConnections = mostConnections;
  }

  async #listen(socket: string, note: string): Promise<void> {
    this.#server.listen(socket);
    await once(this.#server, 'listening');
    this.#server.unref();
    await chmod(socket, 0o600);
    const temporary = temporarySibling(note);
    await writeFile(temporary, JSON.stringify(ownIdentity()), { mode: 0o600 });
    await rename(temporary, note);
  }

  /** From now on the instance can be addressed, until what is given is disposed of. */
  add(id: string, instance: Controlled): Disposable {
    this.#instances.set(id, instance);
    return { [Symbol.dispose]: () => void this.#instances.delete(id) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    for (const file of this.#files) await rm(file, { force: true });
  }

  async #serve(socket: Socket): Promise<void> {
    socket.on('error', () => undefined);
    socket.setTimeout(lineTime, () => socket.destroy());
    const line = await firstLine(socket);
    if (line === undefined) {
      socket.destroy();
      return;
    }
    // What was asked may take long.
    socket.setTimeout(0);
    const { command, ...answer } = await this.#answer(line);
    const text = `${JSON.stringify(answer)}\n`;
    if (!command) {
      socket.end(text);
      return;
    }
    socket.write(text);
    const { relayCommand } = await import('../../channel/relay.js');
    await relayCommand(socket, command);
  }

  async #answer(line: string): Promise<ControlAnswer & { readonly command?: GuestCommand }> {
    try {
      // Most processes are never asked, and need not load what checks it.
      const { requestSchema } = await import('./protocol.js');
      const request = requestSchema.parse(JSON.parse(line));
      if (request.request === 'list')
        return { v: 1, instances: [...this.#instances.values()].map((each) => each.describe()) };
      const instance = this.#instances.get(request.instance);
      if (!instance) throw new GvaError('INSTANCE_UNKNOWN', `there is no instance ${request.instance}`);
      if (request.request === 'exec')
        return { v: 1, started: true, command: await instance.exec(request.words) };
      if (request.request === 'insert')
        return { v: 1, inserted: await instance.insert(request.source, request.by) };
      if (request.request === 'snapshot') return { v: 1, snapshot: await instance.snapshot(request.out) };
      if (request.request === 'agent') {
        await instance.tellAgent(request.order);
        return { v: 1, told: true };
      }
      if (request.request === 'console') return { v: 1, console: instance.console() };
      return { v: 1, taken: await instance.checkpoint(request.stop) };
    } catch (error) {
      const { code, hint } = error instanceof GvaError ? error : { code: 'CONTROL_REQUEST', hint: undefined };
      return { v: 1, error: { code, message: messageOf(error), ...(hint === undefined ? {} : { hint }) } };
    }
  }
}

/** The first line of what comes; undefined where it is too long, or none. What has come behind it can still be read. */
export async function firstLine(socket: Socket): Promise<string | undefined> {
  let text = '';
  try {
    for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
      text += (chunk as Buffer).toString('latin1');
      const end = text.indexOf('\n');
      if (end >= 0 && end + 1 < text.length)
        socket.unshift((chunk as Buffer).subarray(end + 1 - text.length));
      if (end >= 0 && end <= longestLine) return Buffer.from(text.slice(0, end), 'latin1').toString('utf8');
      if (text.length > longestLine) return undefined;
    }
  } catch {
    // It has gone.
  }
  return undefined;
}
