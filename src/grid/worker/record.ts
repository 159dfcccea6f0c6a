import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { GridRecord } from '../../model/grid.js';
import { syncPath } from '../../system/files.js';
import { type Patience, persistently } from './persistently.js';
import { sharedFolderTrouble } from './trouble.js';

type Body = GridRecord extends infer R ? (R extends GridRecord ? Omit<R, 'at'> : never) : never;

/** These are worth a round trip to the disk of the file server: nothing else tells what they tell. */
const durable: readonly Body['record'][] = ['point-ended', 'point-saved', 'trouble', 'stopped', 'ended'];

/**
 * The record of what a worker does: JSON lines, only ever appended, each by one write. Where the file system fails
 * meanwhile, a line may be torn, and the next attempt begins a new one; or it may be there twice.
 */
export class RecordFile implements AsyncDisposable {
  readonly #path: string;
  #patience: Patience;
  #handle: FileHandle | undefined;
  /** Whether the last line has its end. */
  #whole = true;

  private constructor(path: string, patience: Patience) {
    this.#path = path;
    this.#patience = patience;
  }

  /** @param path of a job that was begun anew, it is there already */
  static async open(path: string, patience: Patience): Promise<RecordFile> {
    const file = new RecordFile(path, patience);
    try {
      file.#whole = await persistently('open the record', () => endsWell(path), patience);
    } catch (error) {
      throw sharedFolderTrouble(`cannot open the record ${path}`, error);
    }
    return file;
  }

  /** @throws Trouble SHARED_FOLDER where it cannot be written, and patience is over: from then on there is none */
  async write(body: Body): Promise<void> {
    const line = `${JSON.stringify({ at: new Date().toISOString(), ...body })}\n`;
    try {
      await persistently('write the record', () => this.#append(line, body.record), this.#patience);
    } catch (error) {
      this.#patience = { ...this.#patience, seconds: 0 };
      throw sharedFolderTrouble(`cannot write the record ${this.#path}`, error);
    }
  }

  async #append(line: string, kind: Body['record']): Promise<void> {
    try {
      const handle = (this.#handle ??= await open(this.#path, 'a'));
      const bytes = Buffer.from(this.#whole ? line : `\n${line}`);
      this.#whole = false;
      const { bytesWritten } = await handle.write(bytes);
      if (bytesWritten < bytes.length) throw shortWrite(this.#path);
      this.#whole = true;
      if (durable.includes(kind)) await handle.sync();
    } catch (error) {
      // A handle that has gone stale stays so.
      await this.#handle?.close().catch(() => undefined);
      this.#handle = undefined;
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle?.close().catch(() => undefined);
  }
}

const shortWrite = (path: string) =>
  Object.assign(new Error(`ENOSPC: a line was written in part, '${path}'`), { code: 'ENOSPC' });

/** Makes the file, where it is not there; whether it is empty or ends with a whole line. */
async function endsWell(path: string): Promise<boolean> {
  await using file = await open(path, 'a+');
  const { size } = await file.stat();
  if (size > 0) return (await file.read(Buffer.alloc(1), 0, 1, size - 1)).buffer[0] === 0x0a;
  // Its name is to outlive a crash of the file server, too.
  await syncPath(dirname(path));
  return true;
}
