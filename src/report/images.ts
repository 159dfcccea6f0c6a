import { deflateSync } from 'node:zlib';
import type { ImageType } from './data.js';

/** What a picture is by its first bytes, whatever its name says; undefined where browsers show none. */
export function imageTypeOf(head: Buffer): ImageType | undefined {
  const text = head.toString('latin1', 0, 12);
  if (text.startsWith('\x89PNG\r\n\x1a\n')) return 'image/png';
  if (text.startsWith('\xff\xd8\xff')) return 'image/jpeg';
  if (/^GIF8[79]a/.test(text)) return 'image/gif';
  if (/^RIFF[^]{4}WEBP/.test(text)) return 'image/webp';
  if (
    /^\s*(?:<\?xml[^>]*>\s*)?(?:<!--[^]*?-->\s*)*(?:<!DOCTYPE svg[^>]*>\s*)?<svg[\s>]/.test(
      head.toString('utf8', 0, 1024),
    )
  )
    return 'image/svg+xml';
  return undefined;
}

/** Names of files that may be pictures. */
export const mayBeImage = (path: string): boolean => /\.(?:png|jpe?g|gif|webp|svg|p[gpn]m)$/i.test(path);

/** Pixels of a picture that is converted. */
const mostPixels = 16 << 20;

/**
 * A picture of Netpbm (PGM or PPM, P2 P3 P5 P6, at most 255 levels: what a shell script can write) as PNG, which browsers
 * show; undefined where it is none, or not whole.
 */
export function netpbmToPng(file: Buffer): Buffer | undefined {
  const header =
    /^P([2356])\s+(?:#.*\n\s*)*(\d{1,5})\s+(?:#.*\n\s*)*(\d{1,5})\s+(?:#.*\n\s*)*(\d{1,3})\s/.exec(
      file.toString('latin1', 0, 512),
    );
  if (!header) return undefined;
  const [all, kind, ...numbers] = header;
  const [width = 0, height = 0, most = 0] = numbers.map(Number);
  const channels = kind === '3' || kind === '6' ? 3 : 1;
  const size = width * height * channels;
  if (size === 0 || width * height > mostPixels || most === 0 || most > 255) return undefined;
  const samples =
    kind === '5' || kind === '6' ? file.subarray(all.length) : asciiSamples(file, all.length, size);
  if (samples.length < size) return undefined;
  const rows = Buffer.alloc(height * (width * channels + 1));
  for (let row = 0; row < height; row++)
    for (let at = 0; at < width * channels; at++) {
      const sample = samples[row * width * channels + at] ?? 0;
      rows[row * (width * channels + 1) + 1 + at] = Math.min(255, Math.round((sample * 255) / most));
    }
  return png(width, height, channels, rows);
}

function asciiSamples(file: Buffer, from: number, count: number): Uint8Array {
  const samples: number[] = [];
  for (const [number] of file.toString('latin1', from).matchAll(/\d+/g)) {
    if (samples.length === count) break;
    samples.push(Number(number));
  }
  return Uint8Array.from(samples);
}

/** A file by ISO/IEC 15948, 8 bits a channel, every row with filter 0 before it. */
function png(width: number, height: number, channels: 1 | 3, rows: Buffer): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, channels === 3 ? 2 : 0, 0, 0, 0], 8);
  const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
  return Buffer.concat([
    signature,
    chunkOf('IHDR', header),
    chunkOf('IDAT', deflateSync(rows)),
    chunkOf('IEND', Buffer.alloc(0)),
  ]);
}

function chunkOf(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const ends = Buffer.alloc(8);
  ends.writeUInt32BE(data.length, 0);
  ends.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([ends.subarray(0, 4), body, ends.subarray(4)]);
}

/** ISO/IEC 15948, annex D. */
const crcTable = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

function crc32(data: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of data) crc = (crcTable[(crc ^ byte) & 0xff] ?? 0) ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}
