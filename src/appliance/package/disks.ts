import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { copyToRaw } from '../../disk/copy-raw.js';
import { openQcow2, isQcow2 } from '../../disk/qcow2/reader.js';
import type { BlockSource } from '../../disk/source.js';
import { makeSparseFile } from '../../disk/sparse-file.js';
import { isVdi, openVdi } from '../../disk/vdi/reader.js';
import { copyVmdkToRaw, isVmdk } from '../../disk/vmdk/index.js';
import type { EnvelopeDisk, EnvelopeFile } from '../../model/envelope.js';
import { findReference, openReference } from '../../ovf/references.js';
import { GvaError } from '../../system/errors.js';
import { digestText, ensureFolder, freshSibling } from '../../system/files.js';
import { formatSize } from '../../system/units.js';
import { imagesFolder } from '../../system/paths.js';
import { type CachedImage, cachedImage } from '../images.js';
import type { ExaminedPackage } from './examine.js';

/** A disk of a package as a raw image, and what it was made from. */
export interface PackageDisk extends CachedImage {
  /** Digest of the disk as the package has it. */
  readonly digest: string;
}

/**
 * A disk of a package that was examined, as a raw image: made at the first use, and kept by the digest of what the
 * package has. No other program ever opens what a package brings.
 *
 * @throws GvaError PACKAGE_DISK where it is no disk that can be read or has another capacity than announced;
 *   IMAGE_UNSUPPORTED, IMAGE_CORRUPT
 */
export async function packageDisk(
  pkg: Pick<ExaminedPackage, 'files' | 'envelope'>,
  disk: EnvelopeDisk,
  signal?: AbortSignal,
): Promise<PackageDisk> {
  const file = pkg.envelope.files.find(({ id }) => id === disk.fileRef);
  if (!file) return blankDisk(disk);
  const digest = await storedDigest(pkg, file, signal);
  const name = `disk-${digestText(`${digest} ${file.compression}`)}`;
  const image = await cachedImage(name, (target) => convert(pkg, { file, disk, target, signal })).catch(
    (error: unknown) => {
      throw error instanceof GvaError ? named(file, error) : error;
    },
  );
  return { ...image, digest };
}

const named = ({ href }: EnvelopeFile, { code, message, hint, exitCode }: GvaError) =>
  new GvaError(code, `${href}: ${message}`, { exitCode, ...(hint === undefined ? {} : { hint }) });

/** A disk that the package describes and does not have: it is empty. */
async function blankDisk({ id, capacity }: EnvelopeDisk): Promise<PackageDisk> {
  if (capacity === undefined || capacity === 0)
    throw new GvaError('PACKAGE_DISK', `the disk ${id} has neither a file nor a capacity`);
  const image = await cachedImage(`blank-${capacity}`, (target) =>
    makeSparseFile(target, capacity, () => Promise.resolve()),
  );
  return { ...image, digest: `blank ${capacity}` };
}

async function storedDigest(
  { files }: Pick<ExaminedPackage, 'files'>,
  file: EnvelopeFile,
  signal?: AbortSignal,
): Promise<string> {
  const { names } = await findReference(files, file);
  const digests: string[] = [];
  for (const name of names) digests.push(await files.digest(name, 'SHA256', signal));
  return digests.length === 1 ? (digests[0] ?? '') : digestText(digests.join(' '));
}

interface Conversion {
  readonly file: EnvelopeFile;
  readonly disk: EnvelopeDisk;
  /** Path of the raw image, which is new. */
  readonly target: string;
  readonly signal: AbortSignal | undefined;
}

async function convert({ files }: Pick<ExaminedPackage, 'files'>, conversion: Conversion): Promise<void> {
  const { file, target, signal } = conversion;
  const expandTo = await freshSibling(join(await ensureFolder(imagesFolder()), 'expanded'));
  try {
    await using source = await openReference(files, file, { expandTo, signal });
    await copyDisk(source, conversion, target);
  } finally {
    await rm(expandTo, { force: true });
  }
}

async function copyDisk(source: BlockSource, { disk, signal }: Conversion, target: string): Promise<void> {
  const { capacity } = disk;
  const limit = capacity === undefined ? {} : { maxCapacity: capacity };
  if (await isVmdk(source)) {
    const copied = await copyVmdkToRaw(source, target, { ...limit, signal });
    checkCapacity(disk, copied.capacity);
    return;
  }
  const image = await openDisk(source, disk);
  checkCapacity(disk, image.size);
  await copyToRaw(image, target, signal);
}

async function openDisk(source: BlockSource, disk: EnvelopeDisk): Promise<BlockSource> {
  if (await isQcow2(source)) return openQcow2(source);
  return (await isVdi(source)) ? openVdi(source) : rawDisk(source, disk);
}

/** What has no mark of a format is a raw image only if the package says nothing else of it. */
function rawDisk(source: BlockSource, { format }: EnvelopeDisk): BlockSource {
  if (format === undefined || !/vmdk|qcow|vhd|vdi/i.test(format) || /raw/i.test(format)) return source;
  throw new GvaError('PACKAGE_DISK', `it is not what the descriptor says (${format.slice(0, 100)})`, {
    hint: 'Disks that are read: VMDK (streamOptimized, monolithicSparse), qcow2, VDI, and raw images.',
  });
}

function checkCapacity({ capacity }: EnvelopeDisk, found: number): void {
  // Some producers write capacities rounded to their units.
  if (capacity === undefined || Math.abs(capacity - found) < 1 << 20) return;
  throw new GvaError(
    'PACKAGE_DISK',
    `the disk has ${formatSize(found)}, the descriptor says ${formatSize(capacity)}`,
  );
}
