import { createHash } from 'node:crypto';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Files at most. */
const mostFiles = 1000;

/** What a guest has posted: each whole, all of them no more than there is room for. */
export class PostedFiles {
  readonly folder: string;
  readonly #room: number;
  readonly #sizes = new Map<string, number>();

  /**
   * @param folder made when it is needed
   * @param room bytes of all together, at most
   */
  constructor(folder: string, room: number) {
    [this.folder, this.#room] = [folder, room];
  }

  /** One plain name: neither hidden, nor below another folder. */
  static isName(name: string): boolean {
    return /^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$/.test(name);
  }

  /** Whether there is room for a file of that name and size, in the place of one that may be there. */
  takes(name: string, size: number): boolean {
    const others = [...this.#sizes].filter(([other]) => other !== name);
    const used = others.reduce((sum, [, each]) => sum + each, 0);
    return others.length < mostFiles && used + size <= this.#room;
  }

  /**
   * Keeps a file, once it is there in whole.
   *
   * @param sha256 of its bytes, where whoever sends it says so
   * @returns false where they are others
   * @throws what keeps it from being read or written
   */
  async take(name: string, pieces: AsyncIterable<Buffer>, sha256?: string): Promise<boolean> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    // No name that a guest can give begins so.
    const part = join(this.folder, `.${name}.part`);
    const hash = createHash('sha256');
    try {
      {
        await using file = await open(part, 'w', 0o644);
        for await (const piece of pieces) {
          hash.update(piece);
          await file.writeFile(piece);
        }
      }
      if (sha256 !== undefined && hash.digest('hex') !== sha256) return false;
      this.#sizes.set(name, (await stat(part)).size);
      await rename(part, join(this.folder, name));
      return true;
    } finally {
      await rm(part, { force: true });
    }
  }
}
