import { lstat, mkdir, mkdtemp, readdir, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { uptime } from 'node:os';
import { join } from 'node:path';
import type { InstanceResult } from '../model/result.js';
import { ExitCode, GvaError, errnoOf, messageOf } from '../system/errors.js';
import { readTextIfExists } from '../system/files.js';
import { resultFiles, scratchFiles, scratchFolder, scratchPrefix } from '../system/paths.js';
import { judgeProcess, parseProcessIdentity, processIdentity } from '../system/process-identity.js';

/** The folder of one running instance's disks; disposing it removes it. */
export interface Scratch extends AsyncDisposable {
  readonly folder: string;
  /** Bytes that its files take on the host's disk. */
  allocated(): Promise<number>;
  /** Removes what an instance has in it; its files can be made again. */
  clear(): Promise<void>;
  /**
   * Leaves the folder where it is: what is in it could not be saved elsewhere. It goes when the same work has its results
   * where these should have been.
   */
  keep(results: KeptFor): Promise<void>;
}

/** Of which results a folder was kept. */
export interface KeptFor {
  /** Their folder; absolute. */
  readonly out: string;
  readonly identity: string;
}

export async function createScratch(parent = scratchFolder()): Promise<Scratch> {
  try {
    await removeAbandoned(parent);
    return new ScratchFolder(await makeOwned(parent));
  } catch (error) {
    throw new GvaError('SCRATCH', `cannot use the scratch folder ${parent}: ${messageOf(error)}`, {
      exitCode: ExitCode.infrastructure,
      hint: 'Name a folder with room on a local disk in GVA_SCRATCH.',
      cause: error,
    });
  }
}

/** Attempts at a folder that somebody removes before it says whose it is, because the time of day has jumped forward. */
const attempts = 5;

async function makeOwned(parent: string): Promise<string> {
  const owner = JSON.stringify(await processIdentity(process.pid));
  for (let attempt = 1; ; attempt++) {
    const folder = await mkdtemp(join(parent, scratchPrefix));
    try {
      await writeFile(join(folder, scratchFiles.owner), owner);
      await makeFolders(folder);
      return folder;
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT' || attempt === attempts) throw error;
    }
  }
}

class ScratchFolder implements Scratch {
  readonly folder: string;
  #kept = false;

  constructor(folder: string) {
    this.folder = folder;
  }

  allocated(): Promise<number> {
    return allocatedBytes(this.folder);
  }

  async clear(): Promise<void> {
    await removeContents(this.folder);
    await makeFolders(this.folder);
  }

  async keep(results: KeptFor): Promise<void> {
    this.#kept = true;
    // Whatever was in the way of the results may be in its way, too: then it is kept for good.
    await writeFile(join(this.folder, scratchFiles.kept), JSON.stringify(results)).catch(() => undefined);
    // Without an owner it is nobody's to remove.
    await rm(join(this.folder, scratchFiles.owner), { force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#kept) await removeScratch(this.folder);
  }
}

/** Removes what processes of ours left that were killed before they could. */
export async function removeAbandoned(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    if (!name.startsWith(scratchPrefix)) continue;
    const folder = join(parent, name);
    // Looked at first: in a folder of another user's, owner.json might be a pipe that never ends.
    const info = await lstat(folder).catch(() => undefined);
    if (!info?.isDirectory() || info.uid !== process.getuid?.()) continue;
    const file = join(folder, scratchFiles.owner);
    const text = await readTextIfExists(file).catch(() => undefined);
    // Killed before it could say whose it is: only then is there nothing else.
    if (Date.now() - info.mtimeMs > 60_000) {
      if (text === '') await rm(file, { force: true });
      await rmdir(folder).catch(() => undefined);
    }
    // What it said was lost in a crash of the host, which nobody survived.
    if (text === '' && info.mtimeMs < startOfHost()) await removeScratch(folder);
    if (text === undefined && (await isSuperseded(folder))) await removeScratch(folder);
    const owner = text === undefined ? undefined : parseProcessIdentity(text);
    if (owner && (await judgeProcess(owner)) === 'dead') await removeScratch(folder);
  }
}

/** Milliseconds since 1970. */
const startOfHost = () => Date.now() - uptime() * 1000;

/** Whether what was kept in it has been computed again, and is where it should have been. */
async function isSuperseded(folder: string): Promise<boolean> {
  try {
    const kept = JSON.parse((await readTextIfExists(join(folder, scratchFiles.kept))) ?? '') as KeptFor;
    const text = await readTextIfExists(join(kept.out, resultFiles.result));
    const { identity, state } = JSON.parse(text ?? '') as Pick<InstanceResult, 'identity' | 'state'>;
    return identity === kept.identity && (state === 'done' || state === 'failed');
  } catch {
    return false;
  }
}

/** Who is killed on the way leaves what the next one still knows as abandoned: whose it is goes last. */
async function removeScratch(folder: string): Promise<void> {
  await removeContents(folder);
  await rm(folder, { recursive: true, force: true });
}

/** All but whose it is. */
async function removeContents(folder: string): Promise<void> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => name !== scratchFiles.owner);
  await Promise.all(names.map((name) => rm(join(folder, name), { recursive: true, force: true })));
}

async function makeFolders(folder: string): Promise<void> {
  for (const name of [scratchFiles.uml, scratchFiles.hostfs]) await mkdir(join(folder, name));
}

async function allocatedBytes(folder: string): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(folder)) {
    const info = await stat(join(folder, name));
    if (info.isFile()) bytes += info.blocks * 512;
  }
  return bytes;
}
