import { createHash } from 'node:crypto';
import { closeSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { ftruncateSync } from 'node:fs';
import { join } from 'node:path';
import type { BlockSource } from '../../src/disk/source.js';
import { writeVmdk, type VmdkFacts, type VmdkWriteOptions } from '../../src/disk/vmdk/index.js';
import { MemorySource, run } from './ext4-fixture.js';

export const GRAIN = 64 * 1024;
export const CONTENT_ID = '0123456789abcdef0123456789abcdef';

/** A disk written by our writer, in memory. */
export async function vmdkOf(
  source: Buffer | BlockSource | string,
  options: Partial<VmdkWriteOptions> = {},
): Promise<{ bytes: Buffer; facts: VmdkFacts }> {
  const chunks: Buffer[] = [];
  const sink = (chunk: Buffer): Promise<void> => {
    chunks.push(chunk);
    return Promise.resolve();
  };
  const disk = Buffer.isBuffer(source) ? new MemorySource(source) : source;
  const facts = await writeVmdk(disk, sink, { contentId: CONTENT_ID, ...options });
  return { bytes: Buffer.concat(chunks), facts };
}

export type Subformat = 'streamOptimized' | 'monolithicSparse';

/** A disk written by qemu-img: the path of the file. */
export function byQemu(
  folder: string,
  raw: Buffer,
  subformat: Subformat,
  more: readonly string[] = [],
): string {
  const image = join(folder, `${subformat}.vmdk`);
  writeFileSync(join(folder, 'raw'), raw);
  const options = [`subformat=${subformat}`, ...more].join(',');
  run('qemu-img', ['convert', '-f', 'raw', '-O', 'vmdk', '-o', options, join(folder, 'raw'), image]);
  return image;
}

/** What qemu-img reads from a VMDK of ours. Throws where its check finds anything. */
export function readByQemu(folder: string, vmdk: Buffer): Buffer {
  const [image, raw] = [join(folder, 'ours.vmdk'), join(folder, 'by-qemu')];
  writeFileSync(image, vmdk);
  run('qemu-img', ['check', '-q', '-f', 'vmdk', image]);
  run('qemu-img', ['convert', '-f', 'vmdk', '-O', 'raw', image, raw]);
  return readFileSync(raw);
}

/** Bytes that no compression makes smaller, the same every time. */
export function noise(length: number): Buffer {
  const block = createHash('shake256', { outputLength: Math.min(length, 1 << 20) })
    .update('noise')
    .digest();
  return Buffer.concat(Array.from({ length: Math.ceil(length / block.length) }, () => block)).subarray(
    0,
    length,
  );
}

/** Bytes as files have them: of several grains, of which some are zeros. */
export function diskBytes(size = 5867 * 512): Buffer {
  const bytes = Buffer.alloc(size);
  const ranges: [number, number][] = [[0, 100_000], [700_000, 700_001], [1_000_000, 1_900_000], [2_990_000, size]]; // prettier-ignore
  for (const [from, to] of ranges) for (let at = from; at < to; at += 1) bytes[at] = (at * 7) ^ (at >> 9);
  return bytes;
}

/** A file with holes: `pieces` of bytes at offsets. */
export function sparseFile(
  path: string,
  size: number,
  pieces: readonly [at: number, bytes: Buffer][],
): string {
  const descriptor = openSync(path, 'wx');
  ftruncateSync(descriptor, size);
  for (const [at, bytes] of pieces) writeSync(descriptor, bytes, 0, bytes.length, at);
  closeSync(descriptor);
  return path;
}

/** Changes the text of the descriptor; the rest of its sectors is zeros. */
export function withDescriptor(vmdk: Buffer, change: (text: string) => string): Buffer {
  const bytes = Buffer.from(vmdk);
  const [from, to] = [512, 512 + Number(bytes.readBigUInt64LE(36)) * 512];
  const text = bytes.toString('latin1', from, bytes.indexOf(0, from));
  bytes.fill(0, from, to);
  bytes.write(change(text), from, 'latin1');
  return bytes;
}

/** Makes the same change in header and footer. */
export function inBothHeaders(vmdk: Buffer, change: (header: Buffer) => unknown): Buffer {
  const bytes = Buffer.from(vmdk);
  change(bytes.subarray(0, 512));
  change(bytes.subarray(bytes.length - 1024, bytes.length - 512));
  return bytes;
}

export const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

/** What the stream of a streamOptimized file consists of, from the first grain on, by its markers. */
export function markersOf(vmdk: Buffer): { at: number; what: string; value: number; length: number }[] {
  const found: { at: number; what: string; value: number; length: number }[] = [];
  const names = ['end of stream', 'grain table', 'grain directory', 'footer'];
  for (let at = Number(vmdk.readBigUInt64LE(64)) * 512; at < vmdk.length;) {
    const value = Number(vmdk.readBigUInt64LE(at));
    const size = vmdk.readUInt32LE(at + 8);
    const what = size > 0 ? 'grain' : (names[vmdk.readUInt32LE(at + 12)] ?? 'unknown');
    const length = size > 0 ? Math.ceil((size + 12) / 512) * 512 : (value + 1) * 512;
    found.push({ at, what, value, length });
    at += length;
  }
  return found;
}
