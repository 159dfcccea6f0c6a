import { mkdir, mkdtemp, readFile, readdir, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ExitCode, GvaError, messageOf } from '../system/errors.js';
import { readTextIfExists } from '../system/files.js';
import { scratchFiles, scratchFolder, scratchPrefix } from '../system/paths.js';

/** The folder of one running instance's disks; disposing it removes it. */
export interface Scratch extends AsyncDisposable {
  readonly folder: string;
  /** Bytes that its files take on the host's disk. */
  allocated(): Promise<number>;
  /** Leaves the folder where it is, for good: what is in it could not be saved elsewhere. */
  keep(): Promise<void>;
}

export async function createScratch(): Promise<Scratch> {
  const parent = scratchFolder();
  try {
    await removeAbandoned(parent);
    const folder = await mkdtemp(join(parent, scratchPrefix));
    await writeFile(join(folder, scratchFiles.owner), JSON.stringify(await processIdentity(process.pid)));
    for (const name of [scratchFiles.uml, scratchFiles.hostfs]) await mkdir(join(folder, name));
    return new ScratchFolder(folder);
  } catch (error) {
    throw new GvaError('SCRATCH', `cannot use the scratch folder ${parent}: ${messageOf(error)}`, {
      exitCode: ExitCode.infrastructure,
      hint: 'Name a folder with room on a local disk in GVA_SCRATCH.',
      cause: error,
    });
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

  async keep(): Promise<void> {
    this.#kept = true;
    // Without an owner it is nobody's to remove.
    await rm(join(this.folder, scratchFiles.owner), { force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#kept) await rm(this.folder, { recursive: true, force: true });
  }
}

interface ProcessIdentity {
  pid: number;
  /** Clock ticks since the host's boot; a number that is used again later differs in it. */
  start: string;
  /** Boot and process namespace of the number: what another host or container left cannot be judged here. */
  realm: string;
}

async function processRealm(): Promise<string> {
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
  return `${boot.trim()} ${await readlink('/proc/self/ns/pid').catch(() => '')}`;
}

async function processIdentity(pid: number): Promise<ProcessIdentity | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  // The command, in parentheses, may have anything in it; starttime is field 22 (proc(5)), state field 3.
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ');
  return fields && fields[0] !== 'Z'
    ? { pid, start: fields[19] ?? '', realm: await processRealm() }
    : undefined;
}

/** Removes what processes of ours left that were killed before they could. */
async function removeAbandoned(parent: string): Promise<void> {
  const realm = await processRealm();
  for (const name of await readdir(parent)) {
    if (!name.startsWith(scratchPrefix)) continue;
    const folder = join(parent, name);
    const text = await readTextIfExists(join(folder, scratchFiles.owner)).catch(() => undefined);
    const owner = text === undefined ? undefined : parseOwner(text);
    if (owner?.realm !== realm) continue;
    const info = await stat(folder).catch(() => undefined);
    if (info?.uid !== process.getuid?.()) continue;
    const alive = await processIdentity(owner.pid);
    if (alive?.start !== owner.start) await rm(folder, { recursive: true, force: true });
  }
}

function parseOwner(text: string): ProcessIdentity | undefined {
  try {
    const value = JSON.parse(text) as Partial<ProcessIdentity>;
    const { pid, start, realm } = value;
    return pid !== undefined && start !== undefined && realm !== undefined
      ? { pid, start, realm }
      : undefined;
  } catch {
    return undefined;
  }
}

async function allocatedBytes(folder: string): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(folder)) {
    const info = await stat(join(folder, name));
    if (info.isFile()) bytes += info.blocks * 512;
  }
  return bytes;
}
