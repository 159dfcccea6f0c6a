import { type FileHandle, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { partitionTableSector, partitionTypes, readPartitionTable } from '../../disk/partition-table.js';
import { openRaw } from '../../disk/source.js';
import { runTool } from '../../system/process.js';
import { readModules } from '../kernel-modules.js';
import type { UnpackedKernel } from '../kernel-package.js';
import { diskBootCode, makeBootPartition } from './boot-partition.js';
import { rootInitrd } from './initrd.js';
import { deviceModules, firstModules } from './portable-kernel.js';

export interface PortableDiskSources {
  kernel: UnpackedKernel;
  /** Where the packages of the boot loaders were unpacked. */
  loaders: string;
  busybox: string;
  /** Image of the root file system; a whole number of sectors. */
  root: string;
  /** A folder for files that the caller removes. */
  work: string;
}

/** Bytes; partitions of today's disks begin at whole MiB. */
const alignment = 1 << 20;
/** Any number that is always the same. */
const diskSignature = 0x47564101;

/**
 * Makes the disk that a package carries: BIOS and UEFI boot it, on any controller that its kernel has a driver of.
 * A boot partition (FAT16), then the root file system; sparse where that is.
 *
 * @returns bytes from the disk's start to the root file system
 */
export async function makePortableDisk(file: string, sources: PortableDiskSources): Promise<number> {
  const { kernel, loaders, root, work } = sources;
  const bootFile = join(work, 'boot.img');
  const initrd = await compressedInitrd(sources);
  const bootSize = await makeBootPartition(bootFile, {
    ...{ loaders, initrd, kernel: kernel.file },
    firstSector: alignment / 512,
  });
  const rootOffset = alignment + bootSize;
  const disk = await open(file, 'wx');
  try {
    await copySparse(bootFile, disk, alignment);
    const rootSize = await copySparse(root, disk, rootOffset);
    await disk.truncate(rootOffset + rootSize);
    const { efiSystem, linux } = partitionTypes;
    const table = partitionTableSector({
      partitions: [
        { type: efiSystem, bootable: true, offset: alignment, size: bootSize },
        { type: linux, bootable: false, offset: rootOffset, size: rootSize },
      ],
      diskSignature,
      bootCode: await diskBootCode(loaders),
    });
    await disk.write(table, 0, table.length, 0);
  } finally {
    await disk.close();
  }
  return rootOffset;
}

/**
 * Makes the disk of a base with another root file system in it, which boots as the one before.
 *
 * @param rootOffset of the disk's root file system
 */
export async function withOtherRoot(
  disk: string,
  rootOffset: number,
  root: string,
  target: string,
): Promise<void> {
  await using source = await openRaw(disk);
  const [first, partitions] = [await source.read(0, 512), await readPartitionTable(source)];
  const output = await open(target, 'wx');
  try {
    for (let at = 0; at < rootOffset; at += chunkSize) {
      const part = await source.read(at, Math.min(chunkSize, rootOffset - at));
      await output.write(part, 0, part.length, at);
    }
    const size = await copySparse(root, output, rootOffset);
    await output.truncate(rootOffset + size);
    const table = partitionTableSector({
      partitions: partitions.map((each) => (each.offset === rootOffset ? { ...each, size } : each)),
      diskSignature,
      bootCode: first.subarray(0, 440),
    });
    await output.write(table, 0, table.length, 0);
  } finally {
    await output.close();
  }
}

/** By xz it would be 2.6 MB instead of 2.8, and take 0.4 s more to boot under TCG. */
async function compressedInitrd({ kernel, busybox, work }: PortableDiskSources): Promise<Buffer> {
  const modules = await readModules(kernel.modulesFolder, firstModules, deviceModules);
  const file = join(work, 'portable-initrd');
  const archive = { busybox, kernelRelease: kernel.release, wanted: firstModules, modules, byDevice: true };
  await writeFile(file, await rootInitrd(archive));
  return runTool('zstd', ['-q', '-19', '-c', file]);
}

const chunkSize = 1 << 20;
const grain = 64 << 10;

/**
 * Copies a file to an offset of another, what is nothing but zeros left out.
 *
 * @returns bytes of the file
 */
async function copySparse(file: string, target: FileHandle, offset: number): Promise<number> {
  const source = await open(file, 'r');
  const zeros = Buffer.alloc(grain);
  try {
    const chunk = Buffer.alloc(chunkSize);
    let at = 0;
    for (;;) {
      const { bytesRead } = await source.read(chunk, 0, chunkSize, at);
      if (bytesRead === 0) return at;
      for (let start = 0; start < bytesRead; start += grain) {
        const piece = chunk.subarray(start, Math.min(start + grain, bytesRead));
        if (!piece.equals(zeros.subarray(0, piece.length)))
          await target.write(piece, 0, piece.length, offset + at + start);
      }
      at += bytesRead;
    }
  } finally {
    await source.close();
  }
}
