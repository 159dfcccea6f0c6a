import { randomBytes } from 'node:crypto';
import { readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { ExitCode, GvaError, messageOf } from '../../system/errors.js';
import { ensureFolder, temporarySibling } from '../../system/files.js';
import {
  type ProcessIdentity,
  judgeProcess,
  parseProcessIdentity,
  processIdentity,
} from '../../system/process-identity.js';
import { removeAbandonedIn } from '../../system/temporary.js';
import { type Wish, divide } from './shares.js';

/** What a running sweep tells the others. */
export interface Claim {
  /** CPUs that its points could use, were there enough; Infinity is possible. */
  readonly wish: number;
  /** CPUs that its `-j` asks for: may be more than there are. */
  readonly asked?: number;
  /** CPUs that its instances use now. */
  readonly using: number;
}

export interface Share {
  /** CPUs that are this sweep's part: at least 1. */
  readonly cpus: number;
  /** Running sweeps of this user here, this one with them. */
  readonly sweeps: number;
  /** CPUs that instances of the others use. */
  readonly otherSweeps: number;
}

const prefix = 'sweep-';
/** Files that are looked at, characters of each, CPUs that one can wish for: nobody has more. */
const [mostFiles, longestFile, mostCpus] = [1000, 2000, 1e6];

/**
 * The running sweeps of this user on this machine, each with a file in a folder, which the process that runs it keeps
 * up to date. One that is alone has all that it wishes for. Several divide the CPUs of the machine; or so many as the
 * most that one of them was told to take (`-j`), where these are more. A file whose process is dead is removed; those
 * of other hosts or containers, who may share the folder but not the CPUs, are left alone and count for nothing. A file
 * is not synced: it means nothing after a crash of the host. Not to be disposed while an update is under way.
 */
export class FairShare implements AsyncDisposable {
  readonly #folder: string;
  readonly #name: string;
  readonly #process: ProcessIdentity | undefined;
  readonly #cpus: number;
  #told = '';

  private constructor(folder: string, process: ProcessIdentity | undefined, cpus: number) {
    this.#folder = folder;
    this.#process = process;
    this.#cpus = cpus;
    this.#name = `${prefix}${randomBytes(6).toString('hex')}`;
  }

  /**
   * @param folder of this user's running sweeps; made where it is missing
   * @param cpus of the machine
   * @throws GvaError SHARE_UNUSABLE
   */
  static async join(folder: string, cpus: number = availableParallelism()): Promise<FairShare> {
    try {
      await ensureFolder(folder);
      await removeAbandonedIn(folder);
      return new FairShare(folder, await processIdentity(process.pid), cpus);
    } catch (error) {
      throw unusable(folder, error);
    }
  }

  /**
   * Tells the others, and finds this sweep's part; about once a second.
   *
   * @throws GvaError SHARE_UNUSABLE
   */
  async update(claim: Claim): Promise<Share> {
    try {
      await this.#tell(claim);
      const others = await this.#others();
      const own = claimed(this.#name, claim);
      const wishes = [own, ...others];
      const total = Math.max(this.#cpus, ...wishes.map(({ asked }) => asked));
      const cpus = others.length === 0 ? own.cpus : (divide(total, wishes).get(own.id) ?? 1);
      return { cpus, sweeps: wishes.length, otherSweeps: others.reduce((sum, { using }) => sum + using, 0) };
    } catch (error) {
      throw unusable(this.#folder, error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(join(this.#folder, this.#name), { force: true });
  }

  async #tell(claim: Claim): Promise<void> {
    const { wish, asked, using } = claimed(this.#name, claim);
    const text = JSON.stringify({ ...this.#process, wish, asked, using });
    if (text === this.#told) return;
    const file = join(this.#folder, this.#name);
    const temporary = temporarySibling(file);
    try {
      await writeFile(temporary, text, { flag: 'wx', mode: 0o600 });
      await rename(temporary, file);
    } finally {
      await rm(temporary, { force: true });
    }
    this.#told = text;
  }

  async #others(): Promise<Claimed[]> {
    const all = await readdir(this.#folder);
    const names = all.filter((name) => name.startsWith(prefix));
    const found: Claimed[] = [];
    for (const id of names.slice(0, mostFiles)) {
      const one = id === this.#name ? undefined : await liveClaim(this.#folder, id);
      if (one) found.push(one);
    }
    return found;
  }
}

interface Claimed extends Wish, Required<Claim> {}

/** Of a sweep that runs here; undefined for any other file. */
async function liveClaim(folder: string, id: string): Promise<Claimed | undefined> {
  const file = join(folder, id);
  const text = await readFile(file, 'utf8').catch(() => '');
  const process = text.length > longestFile ? undefined : parseProcessIdentity(text);
  if (!process) return undefined;
  const state = await judgeProcess(process);
  if (state === 'dead') await rm(file, { force: true });
  return state === 'alive'
    ? claimed(id, JSON.parse(text) as Partial<Record<keyof Claim, unknown>>)
    : undefined;
}

/** Whatever a file says, the numbers can be reckoned with. */
function claimed(id: string, { wish, asked, using }: Partial<Record<keyof Claim, unknown>>): Claimed {
  const said = cpusOf(wish);
  return { id, wish: said, cpus: Math.max(1, Math.ceil(said)), asked: cpusOf(asked), using: cpusOf(using) };
}

const cpusOf = (value: unknown): number =>
  typeof value === 'number' && value >= 0 ? Math.min(value, mostCpus) : 0;

const unusable = (folder: string, error: unknown) =>
  new GvaError('SHARE_UNUSABLE', `cannot use the folder ${folder} of running sweeps: ${messageOf(error)}`, {
    exitCode: ExitCode.infrastructure,
    hint: 'It must be a folder that you may write to.',
    cause: error,
  });
