import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { GridImage } from '../../model/grid.js';
import { type LockOutcome, lockFolder } from '../../system/folder-lock.js';
import { messageOf } from '../../system/errors.js';
import { nodeFiles } from '../../system/paths.js';
import { rememberedDigest } from '../../system/remembered-digest.js';
import { formatSize } from '../../system/units.js';
import { copyImage, isFull, wrongDigest } from './copy-image.js';
import { allocated, makeRoom, removeUnused } from './image-room.js';
import { noteUse, useImages } from './image-users.js';
import type { Patience } from './persistently.js';

export interface StagedImage {
  readonly file: string;
  /** That were copied for it. */
  readonly bytes: number;
  /** Why it is used where it is, on the shared file system. */
  readonly inPlace?: string;
}

interface Turn extends AsyncDisposable {
  /** Whether the image is to be copied now. */
  readonly mine: boolean;
  /** Whether nobody else is copying it, for certain. */
  readonly alone?: boolean;
  /** Why there can be no copy on this node. */
  readonly problem?: string;
}

const nothingToDo = { [Symbol.asyncDispose]: () => Promise.resolve() };

/** Milliseconds without progress after which one that copies, and cannot be judged from here, is no longer waited for. */
const longestSilence = 30_000;

/**
 * Copies of images on a node, shared by all jobs of one user. Whoever comes first copies an image, the others wait. It
 * is never changed afterwards, and its digest is known by its inode, size and times.
 */
export class ImageCache {
  readonly #folder: string;
  readonly #digests: string;
  readonly #limit: number;

  /**
   * @param node folder of this user on the node (`openNodeFolder()`)
   * @param limit bytes that all images may take
   */
  constructor(node: string, limit: number) {
    this.#folder = join(node, nodeFiles.images);
    this.#digests = join(node, nodeFiles.digests);
    this.#limit = limit;
  }

  /** Must come before `stage()`: until it is disposed, these images are not removed. */
  use(images: readonly GridImage[]): Promise<AsyncDisposable> {
    return useImages(
      this.#folder,
      images.map(({ sha256 }) => sha256),
    );
  }

  /**
   * The image on this node; where there is no room for it, the image itself.
   *
   * @throws GvaError IMAGE_DIGEST where it is not what it should be; Error where it cannot be read
   */
  async stage(image: GridImage, source: string, patience: Patience): Promise<StagedImage> {
    const { sha256, size } = image;
    const file = join(this.#folder, sha256);
    for (;;) {
      patience.signal.throwIfAborted();
      if (await this.#isGood(image)) break;
      const outcome = await this.#bring(image, source, patience);
      if (outcome === 'others') continue;
      if (outcome !== 'copied') return await this.#inPlace(image, source, outcome.problem);
      await noteUse(this.#folder, [sha256]);
      return { file, bytes: size };
    }
    await noteUse(this.#folder, [sha256]);
    return { file, bytes: 0 };
  }

  /** @returns `others`: somebody else has done it, for all that one can see */
  async #bring(
    image: GridImage,
    source: string,
    patience: Patience,
  ): Promise<'copied' | 'others' | { readonly problem: string }> {
    await using turn = await this.#turn(image, patience);
    if (turn.problem !== undefined) return { problem: turn.problem };
    if (!turn.mine || (await this.#isGood(image))) return 'others';
    if (turn.alone) await this.#removeHalfCopies(image.sha256);
    const problem = await this.#copy(image, source, patience);
    return problem === undefined ? 'copied' : { problem };
  }

  async #isGood({ sha256, size }: GridImage): Promise<boolean> {
    const file = join(this.#folder, sha256);
    const info = await stat(file).catch(() => undefined);
    if (info?.size !== size) return false;
    return (await rememberedDigest(file, this.#digests).catch(() => undefined)) === sha256;
  }

  /** Waits for the right to copy it, or until another file has come under its name. */
  async #turn({ sha256 }: GridImage, { signal, log }: Patience): Promise<Turn> {
    const before = await this.#version(sha256);
    let [progress, since, told] = [-1, performance.now(), false];
    for (;;) {
      const { lock, holder, problem } = await this.#lock(sha256);
      if (problem !== undefined) return { mine: false, problem, ...nothingToDo };
      if (lock) return { mine: true, alone: true, [Symbol.asyncDispose]: () => lock[Symbol.asyncDispose]() };
      const now = await this.#version(sha256);
      if (now !== undefined && now !== before) return { mine: false, ...nothingToDo };
      const copied = await this.#halfCopied(sha256);
      if (copied !== progress) [progress, since] = [copied, performance.now()];
      if (holder.state === 'unknown' && performance.now() - since > longestSilence)
        return { mine: true, alone: false, ...nothingToDo };
      if (!told) log(`waiting for process ${holder.process?.pid ?? '?'}, which copies the image ${sha256}`);
      told = true;
      await sleep(50 + Math.random() * 100, undefined, { signal });
    }
  }

  async #lock(sha256: string): Promise<LockOutcome & { readonly problem?: string }> {
    try {
      return await lockFolder(this.#folder, nodeFiles.lock(sha256));
    } catch (error) {
      const nobody = { file: '', process: undefined, state: 'unknown' } as const;
      return { holder: nobody, problem: messageOf(error) };
    }
  }

  async #version(sha256: string): Promise<string | undefined> {
    const info = await stat(join(this.#folder, sha256), { bigint: true }).catch(() => undefined);
    return info && `${info.ino} ${info.ctimeNs}`;
  }

  async #halfCopies(sha256: string): Promise<string[]> {
    const names = await readdir(this.#folder);
    return names
      .filter((name) => name.startsWith(`.${sha256}.`) && name.endsWith('.tmp'))
      .map((name) => join(this.#folder, name));
  }

  async #halfCopied(sha256: string): Promise<number> {
    const sizes = await Promise.all((await this.#halfCopies(sha256)).map(allocated));
    return sizes.reduce((sum, bytes) => sum + bytes, 0);
  }

  /** Only who has the lock may do so: what is there is of processes that were killed. */
  async #removeHalfCopies(sha256: string): Promise<void> {
    for (const file of await this.#halfCopies(sha256)) await rm(file, { force: true });
  }

  /** @returns why it could not be done */
  async #copy(image: GridImage, source: string, patience: Patience): Promise<string | undefined> {
    const limit = this.#limit;
    const [folder, wanted] = [this.#folder, (await allocated(source)) || image.size];
    if (!(await makeRoom(folder, wanted, limit)))
      return `${formatSize(wanted)} are too much for ${folder}, which may take ${formatSize(limit)}`;
    patience.log(`copying ${source} (${formatSize(image.size)})`);
    for (let attempt = 1; ; attempt++) {
      try {
        await copyImage(source, join(folder, image.sha256), image, patience);
        return undefined;
      } catch (error) {
        if (!isFull(error)) throw error;
        // What is not used goes, although the limit would let it stay.
        const freed = attempt === 1 ? await removeUnused(folder, wanted) : 0;
        if (freed === 0) return `there is no room in ${folder}`;
      }
    }
  }

  async #inPlace({ sha256 }: GridImage, source: string, reason: string): Promise<StagedImage> {
    if ((await rememberedDigest(source, this.#digests)) !== sha256) throw wrongDigest(source);
    return { file: source, bytes: 0, inPlace: reason };
  }
}
