import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ensureFolder, temporarySibling } from '../system/files.js';
import { pointFolder, resultFiles, resultsCacheFolder, sweepFiles } from '../system/paths.js';
import { runTool } from '../system/process.js';
import { type KnownResult, parseResult } from './done-points.js';

/**
 * Results that need not be computed again: of points that this sweep had under other numbers before its plan was
 * changed, and of other sweeps of this user. Both are found by the identity of the work, and believed only if their
 * result file says the same.
 */
export class KnownResults {
  readonly #folder: string;
  readonly #shared: boolean;
  /** Identities of what was put aside, read once: what workers of a grid put there besides is for the next run. */
  #aside: Set<string> | undefined;
  readonly #notes = new Notes();

  /**
   * @param folder of the sweep
   * @param shared whether other sweeps are asked, and told
   */
  constructor(folder: string, shared: boolean) {
    this.#folder = folder;
    this.#shared = shared;
  }

  /** Moves what stands at a point's place out of the way: the work of that identity may come back. */
  async setAside(index: number, id: string): Promise<void> {
    const from = pointFolder(this.#folder, index);
    if (!existsSync(from)) return;
    (this.#aside ??= this.#listAside()).add(id);
    const place = this.#asideOf(id);
    await ensureFolder(dirname(place));
    await rm(place, { recursive: true, force: true });
    await rename(from, place);
  }

  /** Brings a result of this work to the point's place, if there is one; the one that stands there is replaced. */
  async adopt(index: number, id: string): Promise<KnownResult | undefined> {
    const aside = this.#asideOf(id);
    this.#aside ??= this.#listAside();
    const own = this.#aside.has(id) ? await resultIn(aside, id) : undefined;
    if (own) {
      this.#aside.delete(id);
      await this.#place(index, (target) => rename(aside, target));
      return own;
    }
    const elsewhere = this.#shared ? await this.#elsewhere(id) : undefined;
    const found = elsewhere === undefined ? undefined : await resultIn(elsewhere, id);
    if (!found || elsewhere === undefined) return undefined;
    await this.#place(index, async (target) => {
      await runTool('cp', ['-a', '--reflink=auto', '--', elsewhere, target]);
    });
    return found;
  }

  /** Tells other sweeps where the result of this work is. */
  async remember(index: number, id: string): Promise<void> {
    if (!this.#shared) return;
    const note = noteOf(id);
    // A cache that cannot be written to costs time, nothing else.
    await ensureFolder(dirname(note))
      .then(() => writeFile(note, pointFolder(this.#folder, index)))
      .catch(() => undefined);
  }

  async #elsewhere(id: string): Promise<string | undefined> {
    // Of most points there is none.
    if (!this.#notes.has(id)) return undefined;
    const place = await readFile(noteOf(id), 'utf8').catch(() => '');
    return place.startsWith('/') && !place.startsWith(`${this.#folder}/`) ? place : undefined;
  }

  async #place(index: number, put: (target: string) => Promise<void>): Promise<void> {
    const target = pointFolder(this.#folder, index);
    const staged = temporarySibling(target);
    await mkdir(dirname(target), { recursive: true });
    try {
      await put(staged);
      await rm(target, { recursive: true, force: true });
      await rename(staged, target);
    } finally {
      await rm(staged, { recursive: true, force: true });
    }
  }

  #listAside(): Set<string> {
    try {
      return new Set(readdirSync(join(this.#folder, sweepFiles.points, sweepFiles.earlier)));
    } catch {
      return new Set();
    }
  }

  #asideOf(id: string): string {
    return join(this.#folder, sweepFiles.points, sweepFiles.earlier, id);
  }
}

const noteOf = (id: string) => join(resultsCacheFolder(), shardOf(id), id);
const shardOf = (id: string) => id.slice(0, 2);

/** Milliseconds after which a shard of the notes is read again: other sweeps may have added some. */
const shardAge = 10_000;
/** Bytes of a shard's folder, up to which its names are kept in memory; each takes some 75. */
const smallShard = 1 << 16;

/**
 * Which notes there are. A sweep asks for each of its points, so names are read a shard at a time; of shards that have too
 * many, each is asked for. Blocking, because a question costs 10 us so, and 40 us on the thread pool.
 */
class Notes {
  readonly #shards = new Map<
    string,
    { readonly names: ReadonlySet<string> | undefined; readonly at: number }
  >();

  has(id: string): boolean {
    const now = performance.now();
    let shard = this.#shards.get(shardOf(id));
    if (!shard || now - shard.at > shardAge) {
      shard = { names: namesOf(dirname(noteOf(id))), at: now };
      this.#shards.set(shardOf(id), shard);
    }
    return shard.names?.has(id) ?? existsSync(noteOf(id));
  }
}

/** Undefined where there are too many. */
function namesOf(folder: string): ReadonlySet<string> | undefined {
  try {
    return statSync(folder).size > smallShard ? undefined : new Set(readdirSync(folder));
  } catch {
    return new Set();
  }
}

async function resultIn(folder: string, id: string): Promise<KnownResult | undefined> {
  const text = await readFile(join(folder, resultFiles.result), 'utf8').catch(() => undefined);
  const result = text === undefined ? undefined : parseResult(text);
  return result?.identity === id && result.state === 'done' ? result : undefined;
}
