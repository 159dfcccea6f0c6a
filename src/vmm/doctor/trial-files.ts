import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Base, requireDirect } from '../../base/store.js';
import { type CpioEntry, cpioArchive } from '../../disk/cpio.js';
import { openExt4 } from '../../disk/ext4/index.js';
import { lookUp } from '../../disk/lookup.js';
import { openRaw } from '../../disk/source.js';
import { ExitCode, GvaError } from '../../system/errors.js';
import { guestFile } from '../../system/package.js';
import { doctorFiles, scratchFiles, scratchFolder, scratchPrefix } from '../../system/paths.js';
import { processIdentity } from '../../system/process-identity.js';

/** What guests are tried with, in a scratch folder; disposing it removes the folder. */
export interface TrialFiles extends AsyncDisposable {
  /** The base's static busybox: the same program measures the host and the guests. */
  readonly busybox: string;
  /** Kernel of the base, for QEMU's direct boot. */
  readonly kernel: string;
  /** An initrd that is a whole guest: busybox, and the speed tests. */
  readonly initrd: string;
  /** Empty. */
  readonly folders: { readonly uml: string; readonly hostfs: string };
}

/** @throws GvaError where the base has no busybox or there is no room for the files */
export async function makeTrialFiles(trialBase: Base): Promise<TrialFiles> {
  const base = requireDirect(trialBase, 'be tried here');
  const busybox = await busyboxOf(join(base.folder, base.files.root.name));
  const folder = await mkdtemp(join(scratchFolder(), scratchPrefix));
  const dispose = () => rm(folder, { recursive: true, force: true });
  const at = (name: string) => join(folder, name);
  const folders = { uml: at(scratchFiles.uml), hostfs: at(scratchFiles.hostfs) };
  try {
    // A later run removes the folder if this process cannot.
    await writeFile(at(scratchFiles.owner), JSON.stringify(await processIdentity(process.pid)));
    for (const path of Object.values(folders)) await mkdir(path);
    await writeFile(at(doctorFiles.busybox), busybox);
    await chmod(at(doctorFiles.busybox), 0o755);
    await writeFile(at(doctorFiles.initrd), await trialInitrd(busybox));
  } catch (error) {
    await dispose();
    throw error;
  }
  return {
    ...{ busybox: at(doctorFiles.busybox), initrd: at(doctorFiles.initrd), folders },
    kernel: join(base.folder, base.files.kernel.name),
    [Symbol.asyncDispose]: dispose,
  };
}

async function trialInitrd(busybox: Buffer): Promise<Buffer> {
  const program = (path: string, content: Uint8Array): CpioEntry => ({
    ...{ kind: 'file', path, mode: 0o755, content },
  });
  return cpioArchive([
    ...['bin', 'dev', 'proc'].map((path) => ({ kind: 'directory' as const, path })),
    program('bin/busybox', busybox),
    program('init', await readFile(guestFile('doctor/init'))),
    program('speed', await readFile(guestFile('doctor/speed'))),
  ]);
}

async function busyboxOf(image: string): Promise<Buffer> {
  await using source = await openRaw(image);
  const tree = await openExt4(source);
  const node = await lookUp(tree, 'bin/busybox', () => undefined);
  if (node?.kind !== 'file' || node.size > maxBusybox)
    throw new GvaError('BASE_BROKEN', 'the base image has no /bin/busybox', {
      exitCode: ExitCode.infrastructure,
      hint: 'Build it again: gva base build micro --force',
    });
  const bytes = Buffer.alloc(node.size);
  for await (const piece of tree.readFile(node)) piece?.data.copy(bytes, piece.offset);
  return bytes;
}

const maxBusybox = 32 << 20;
