import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { type Server, type Socket, createServer } from 'node:net';
import { pipeline } from 'node:stream/promises';

/**
 * Where a QEMU brings its state to. Its filter lets it start no program for that, and of QEMU 7.2 only incoming
 * states can be files that it inherits.
 */
export class StateSocket {
  readonly path: string;
  readonly #server: Server;

  static async listen(path: string): Promise<StateSocket> {
    const server = createServer({ allowHalfOpen: false });
    server.listen(path);
    await once(server, 'listening');
    return new StateSocket(path, server);
  }

  private constructor(path: string, server: Server) {
    this.path = path;
    this.#server = server;
    // Whoever forgets it does not keep this process from its end.
    server.unref();
  }

  /** Writes what the next one who connects has to say into a new file; it is whole when the promise is resolved. */
  async receive(file: string, signal: AbortSignal): Promise<void> {
    const [connection] = (await once(this.#server, 'connection', { signal })) as [Socket];
    try {
      await pipeline(connection, createWriteStream(file, { flags: 'wx', mode: 0o600 }), { signal });
    } catch (error) {
      await rm(file, { force: true });
      throw error;
    }
  }

  close(): void {
    this.#server.close();
  }
}
