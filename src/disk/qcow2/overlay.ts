import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

/** 64 KiB, QEMU's own default. */
const clusterBits = 16;
const clusterSize = 1 << clusterBits;
const backingFormatExtension = 0xe2792aca;

/** Bytes of a cluster of the images that are made here. */
export { clusterSize as overlayCluster };

/** What an overlay lies on. */
export type BackingFormat = 'raw' | 'qcow2';

/**
 * Makes an empty qcow2 version 3 image over a backing file: what `qemu-img create -b` makes, without a
 * process and in 4 allocated pages. Layout: QEMU's docs/interop/qcow2.txt; cluster 0 the header, 1 the
 * refcount table, 2 a refcount block, 3 and on the L1 table.
 *
 * @param size bytes of the virtual disk; what is beyond the backing file reads as zeros
 */
export async function createOverlay(
  path: string,
  backingFile: string,
  size: number,
  format: BackingFormat = 'raw',
): Promise<void> {
  await writeEmpty(await open(path, 'wx', 0o600), size, { file: backingFile, format });
}

/** Makes a file that is there, by the same name and for those who have it open, an empty image that names nothing below. */
export async function emptyOverlay(path: string, size: number): Promise<void> {
  await writeEmpty(await open(path, constants.O_RDWR | constants.O_NOFOLLOW), size, undefined);
}

/** Closes the file. */
async function writeEmpty(handle: FileHandle, size: number, backing: HeaderFields['backing']): Promise<void> {
  try {
    await handle.truncate(0);
    for (const { offset, bytes } of overlayParts(size, backing))
      await handle.write(bytes, 0, bytes.length, offset);
    await handle.truncate((3 + tableClusters(size)) * clusterSize);
  } finally {
    await handle.close();
  }
}

interface Part {
  offset: number;
  bytes: Buffer;
}

function overlayParts(size: number, backing: HeaderFields['backing']): Part[] {
  const table = Buffer.alloc(8);
  table.writeBigUInt64BE(BigInt(2 * clusterSize));
  const refcounts = Buffer.alloc(2 * (3 + tableClusters(size)));
  for (let offset = 0; offset < refcounts.length; offset += 2) refcounts.writeUInt16BE(1, offset);
  const places = { l1Offset: 3 * clusterSize, refcountOffset: clusterSize, refcountClusters: 1 };
  return [
    { offset: 0, bytes: overlayHeader({ size, backing, ...places }) },
    { offset: clusterSize, bytes: table },
    { offset: 2 * clusterSize, bytes: refcounts },
  ];
}

/** An L2 table is one cluster of 8-byte entries, and each L1 entry stands for one L2 table. */
const l1Entries = (size: number) => Math.max(1, Math.ceil(size / (clusterSize * (clusterSize / 8))));
const tableClusters = (size: number) => Math.ceil((l1Entries(size) * 8) / clusterSize);

/** The parts of an image's header that differ from one to the other; bytes. */
export interface HeaderFields {
  readonly size: number;
  readonly backing: { readonly file: string; readonly format: BackingFormat } | undefined;
  readonly l1Offset: number;
  readonly refcountOffset: number;
  readonly refcountClusters: number;
}

export function overlayHeader({
  size,
  backing,
  l1Offset,
  refcountOffset,
  refcountClusters,
}: HeaderFields): Buffer {
  const name = Buffer.from(backing?.file ?? '');
  // The format limits the name to 1023 bytes.
  if (name.length > 1023) throw new RangeError(`path of a backing file is too long: ${backing?.file ?? ''}`);
  const extensions = backing ? backingExtension(backing.format) : Buffer.alloc(8);
  const fixed = Buffer.alloc(104);
  fixed.writeUInt32BE(0x514649fb, 0);
  fixed.writeUInt32BE(3, 4);
  if (backing) fixed.writeBigUInt64BE(BigInt(fixed.length + extensions.length), 8);
  fixed.writeUInt32BE(name.length, 16);
  fixed.writeUInt32BE(clusterBits, 20);
  fixed.writeBigUInt64BE(BigInt(size), 24);
  fixed.writeUInt32BE(l1Entries(size), 36);
  fixed.writeBigUInt64BE(BigInt(l1Offset), 40);
  fixed.writeBigUInt64BE(BigInt(refcountOffset), 48);
  fixed.writeUInt32BE(refcountClusters, 56);
  fixed.writeUInt32BE(4, 96); // refcounts of 2^4 bits
  fixed.writeUInt32BE(fixed.length, 100);
  return Buffer.concat([fixed, extensions, name]);
}

/** Padded to 8 bytes; 8 zeros end the extensions. */
function backingExtension(format: BackingFormat): Buffer {
  const extensions = Buffer.alloc(24);
  extensions.writeUInt32BE(backingFormatExtension, 0);
  extensions.writeUInt32BE(format.length, 4);
  extensions.write(format, 8, 'latin1');
  return extensions;
}
