import { randomBytes } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ExitCode, GvaError, errnoOf } from '../../system/errors.js';
import {
  ensureFolder,
  freshSibling,
  readTextIfExists,
  syncPath,
  writeFileAtomically,
} from '../../system/files.js';
import { localGridFiles } from '../../system/paths.js';
import type { ElementState, JobArray } from '../engine.js';

/** A job array as the spooler finds it. */
export interface LocalArray {
  readonly format: 'gva-local-array/1';
  /** Milliseconds since 1970; arrays are begun in this order. */
  readonly submitted: number;
  readonly array: JobArray;
  /** What elements get of the submitter's environment. */
  readonly environment: Readonly<Record<string, string>>;
}

type Told = Omit<ElementState, 'array'>;

/**
 * The queue of the grid engine `local`: a folder for each array. Clients add arrays, and requests to end elements; the
 * spooler alone writes what becomes of elements.
 */
export class QueueFolder {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** @throws GvaError GRID_REFUSED where there is one of that name */
  async add(local: LocalArray): Promise<void> {
    const place = this.#of(local.array.name);
    await ensureFolder(join(this.folder, localGridFiles.arrays));
    const temporary = await freshSibling(place);
    await mkdir(temporary);
    try {
      await writeFileAtomically(join(temporary, localGridFiles.array), JSON.stringify(local));
      await rename(temporary, place);
      await syncPath(join(this.folder, localGridFiles.arrays));
    } catch (error) {
      await rm(temporary, { recursive: true, force: true });
      if (!['ENOTEMPTY', 'EEXIST'].includes(errnoOf(error) ?? '')) throw error;
      throw new GvaError('GRID_REFUSED', `there is a job array ${basename(place)} already`, { cause: error });
    }
  }

  remove(name: string): Promise<void> {
    return rm(this.#of(name), { recursive: true, force: true });
  }

  /** Names of all arrays. */
  async names(): Promise<string[]> {
    const names = await readdir(join(this.folder, localGridFiles.arrays)).catch(emptyIfMissing);
    return names.filter((name) => !name.startsWith('.'));
  }

  /**
   * Undefined where there is none of that name.
   *
   * @throws GvaError GRID_SILENT where it cannot be understood
   */
  async read(name: string): Promise<LocalArray | undefined> {
    const text = await readTextIfExists(join(this.#of(name), localGridFiles.array));
    const local = text === undefined ? undefined : (parseJson(text) as LocalArray | undefined);
    if (text === undefined || local?.format === 'gva-local-array/1') return local;
    throw new GvaError('GRID_SILENT', `${this.#of(name)} was left by another version, or is damaged`, {
      hint: 'Remove this folder when none of its jobs runs.',
      exitCode: ExitCode.infrastructure,
    });
  }

  /** What is known of the array's elements; of those that are not there, nothing has been done. */
  async states(name: string): Promise<Map<number, Told>> {
    const text = (await readTextIfExists(join(this.#of(name), localGridFiles.states))) ?? '';
    const states = new Map<number, Told>();
    for (const line of text.split('\n')) {
      // A spooler that was killed may have left half a line.
      const told = line === '' ? undefined : (parseJson(line) as Told | undefined);
      if (typeof told?.element === 'number') states.set(told.element, told);
    }
    return states;
  }

  /** Whether an array has elements that have not ended. */
  async isOpen(name: string): Promise<boolean> {
    const local = await this.read(name);
    if (!local) return false;
    const ended = [...(await this.states(name)).values()].filter(({ state }) => state === 'ended');
    return ended.length < local.array.elements;
  }

  /** For the spooler only. */
  tell(name: string, told: Told): void {
    // The newline before it ends what a killed spooler has left.
    appendFileSync(join(this.#of(name), localGridFiles.states), `\n${JSON.stringify(told)}`);
  }

  /** Asks for elements to be ended. */
  async requestCancel(name: string, elements: readonly number[] | undefined): Promise<void> {
    const file = join(this.#of(name), `${localGridFiles.cancel}${randomBytes(6).toString('hex')}.json`);
    await writeFileAtomically(file, JSON.stringify({ elements }));
  }

  /** The elements that are to end, or `all`; what was asked is gone then. For the spooler only. */
  async takeCancels(name: string): Promise<Set<number> | 'all'> {
    const wanted = new Set<number>();
    let all = false;
    for (const file of await readdir(this.#of(name)).catch(emptyIfMissing)) {
      if (!file.startsWith(localGridFiles.cancel)) continue;
      const path = join(this.#of(name), file);
      const request = parseJson((await readTextIfExists(path)) ?? '') as { elements?: number[] } | undefined;
      if (request !== undefined && request.elements === undefined) all = true;
      for (const element of request?.elements ?? []) wanted.add(element);
      await rm(path, { force: true });
    }
    return all ? 'all' : wanted;
  }

  /** Milliseconds since 1970 of the last news of an array. */
  async lastNews(name: string): Promise<number> {
    return (await stat(join(this.#of(name), localGridFiles.states)).catch(() => undefined))?.mtimeMs ?? 0;
  }

  #of(name: string): string {
    return join(this.folder, localGridFiles.arrays, name);
  }
}

function emptyIfMissing(error: unknown): string[] {
  if (errnoOf(error) === 'ENOENT') return [];
  throw error;
}

/** Undefined where it is none. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
