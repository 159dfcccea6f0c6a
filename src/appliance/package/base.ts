import { rename, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { guestPrograms } from '../../base/guest-programs.js';
import { unpackKernel } from '../../base/kernel-image.js';
import { type Base, loadBaseFolder, findBaseByDigest } from '../../base/store.js';
import { umlRelease } from '../../base/uml-host.js';
import { copyToRaw } from '../../disk/copy-raw.js';
import { openExt4 } from '../../disk/ext4/index.js';
import { openFat } from '../../disk/fat/index.js';
import { lookUp } from '../../disk/lookup.js';
import { partitionTypes, readPartitionTable } from '../../disk/partition-table.js';
import { type BlockSource, openRaw } from '../../disk/source.js';
import type { FileTree } from '../../disk/tree.js';
import type { BaseManifest } from '../../model/base.js';
import { rangeOf } from '../../ovf/package/block-sources.js';
import { ExitCode, GvaError } from '../../system/errors.js';
import { digestText, ensureFolder, freshSibling, writeFileAtomically } from '../../system/files.js';
import { baseFiles, imagesFolder } from '../../system/paths.js';
import { packageDisk } from './disks.js';
import type { requireRunnable } from './examine.js';

type Runnable = ReturnType<typeof requireRunnable>;

/**
 * The base image of a package that GVA made: the one of this machine with the same digest, which starts faster, else
 * what the package brings, unpacked once.
 *
 * @throws GvaError BASE_MISSING where neither has it
 */
export async function packageBase(pkg: Runnable, signal?: AbortSignal): Promise<Base> {
  const facts = pkg.system.gva?.base;
  const local = facts && (await findBaseByDigest(facts.name, facts.digest));
  if (local) return local;
  const disk = pkg.envelope.disks.find(({ role }) => role === 'base');
  if (!disk)
    throw new GvaError(
      'BASE_MISSING',
      `${pkg.path} needs the base image ${facts?.name ?? '?'} with the digest ${facts?.digest.slice(0, 16) ?? '?'}, and this machine has none like it`,
      {
        exitCode: ExitCode.infrastructure,
        hint: 'It is a thin package: get it packed with its base, or build the base with the version of GVA that packed it.',
      },
    );
  const image = await packageDisk(pkg, disk, signal);
  return unpackedBase(image.file, image.digest, facts?.name ?? 'package');
}

/** The base that is on a portable disk, as files for direct boot. */
async function unpackedBase(image: string, digest: string, name: string): Promise<Base> {
  const folder = join(await ensureFolder(imagesFolder()), `base-${digest}`);
  if (!existsSync(folder)) {
    const made = await freshSibling(folder);
    try {
      await unpack(image, await ensureFolder(made), { digest, name });
      await rename(made, folder).catch((error: unknown) => {
        // Somebody else was faster.
        if (!existsSync(folder)) throw error;
      });
    } finally {
      await rm(made, { recursive: true, force: true });
    }
  }
  return loadBaseFolder(folder);
}

async function unpack(
  image: string,
  folder: string,
  { digest, name }: { digest: string; name: string },
): Promise<void> {
  await using disk = await openRaw(image);
  const partitions = await readPartitionTable(disk);
  const part = (type: number) => {
    const found = partitions.find((partition) => partition.type === type);
    if (!found) throw notPortable('it has no such partitions as a base image has');
    return rangeOf(disk, found.offset, found.size);
  };
  const [boot, root] = [part(partitionTypes.efiSystem), part(partitionTypes.linux)];
  const bootTree = await openFat(boot);
  const kernel = join(folder, 'vmlinuz');
  await writeFile(kernel, await fileOf(bootTree, 'vmlinuz'));
  const unpacked = await unpackKernel(kernel, join(folder, 'payload'));
  await rm(join(folder, 'payload'), { force: true });
  await rm(kernel);
  await writeFile(join(folder, baseFiles.kernel), unpacked);
  const initrd = await fileOf(bootTree, 'initrd.img');
  await writeFile(join(folder, baseFiles.initrd), initrd);
  await copyToRaw(root, join(folder, baseFiles.root));
  const uml = await usableUmlRelease(root);
  const wakes = await lookUp(await openExt4(root), `usr/sbin/${guestPrograms.wake}`, () => undefined);
  const file = (each: string, size: number) => ({
    name: each,
    size,
    sha256: digestText(`${digest} ${each}`),
  });
  const manifest: BaseManifest = {
    ...{ format: 1, contract: 1, os: 'linux', arch: 'x86_64', name, digest, inputs: '', packages: {} },
    ...{ description: 'from a package', kernelRelease: '' },
    ...(uml === undefined ? {} : { umlRelease: uml }),
    wake: wakes?.kind === 'file',
    files: {
      root: file(baseFiles.root, root.size),
      kernel: file(baseFiles.kernel, unpacked.length),
      initrd: file(baseFiles.initrd, initrd.length),
    },
  };
  await writeFileAtomically(join(folder, baseFiles.manifest), `${JSON.stringify(manifest, null, 2)}\n`);
}

/** This machine's User-mode Linux, if the root file system has modules for it. */
async function usableUmlRelease(root: BlockSource): Promise<string | undefined> {
  const release = await umlRelease().catch(() => undefined);
  if (release === undefined) return undefined;
  const folder = await lookUp(await openExt4(root), `lib/modules/${release}`, () => undefined);
  return folder?.kind === 'directory' ? release : undefined;
}

/** Bytes of the largest kernel or initrd that is believed. */
const maxFile = 256 << 20;

async function fileOf(tree: FileTree, name: string): Promise<Buffer> {
  const node = await lookUp(tree, name, () => undefined);
  if (node?.kind !== 'file' || node.size > maxFile) throw notPortable(`it has no usable ${name}`);
  const content = Buffer.alloc(node.size);
  for await (const piece of tree.readFile(node)) piece?.data.copy(content, piece.offset);
  return content;
}

const notPortable = (problem: string) =>
  new GvaError('BASE_PORTABLE', `the base image of the package cannot be used: ${problem}`);
