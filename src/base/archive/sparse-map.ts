import { type FileHandle } from 'node:fs/promises';
import { TAR_BLOCK } from '../../ovf/tar/header.js';

/** Where a file has data; in bytes, in order, none touching the next. */
export interface DataRange {
  readonly offset: number;
  readonly length: number;
}

/** Bytes: what of a file is all zeros in such a piece is left out. */
export const PIECE = 64 << 10;
/** Bytes that are read at once. */
const STEP = 1 << 20;
const zeros = Buffer.alloc(PIECE);

/** The stretches of a file that are not all zeros. @param leaveOut one that is left out, whatever it has */
export async function dataRanges(file: FileHandle, leaveOut?: DataRange): Promise<DataRange[]> {
  const ranges: DataRange[] = [];
  const { size } = await file.stat();
  const buffer = Buffer.allocUnsafe(STEP);
  const end = leaveOut ? leaveOut.offset + leaveOut.length : 0;
  for (let at = 0; at < size;) {
    if (leaveOut && at >= leaveOut.offset && at < end) at = end;
    const most = leaveOut && at < leaveOut.offset ? leaveOut.offset - at : STEP;
    const { bytesRead } = await file.read(buffer, 0, Math.min(STEP, most), at);
    if (bytesRead === 0) break;
    for (let from = 0; from < bytesRead; from += PIECE) {
      const piece = buffer.subarray(from, Math.min(from + PIECE, bytesRead));
      if (!piece.equals(zeros.subarray(0, piece.length))) addPiece(ranges, at + from, piece.length);
    }
    at += bytesRead;
  }
  return ranges;
}

function addPiece(ranges: DataRange[], offset: number, length: number): void {
  const last = ranges.at(-1);
  if (last && last.offset + last.length === offset)
    ranges[ranges.length - 1] = { offset: last.offset, length: last.length + length };
  else ranges.push({ offset, length });
}

export const dataLength = (ranges: readonly DataRange[]): number =>
  ranges.reduce((sum, { length }) => sum + length, 0);

/** The map before the data of a sparse member (GNU tar manual, "PAX Format, Version 1.0"), padded. */
export function sparseMap(ranges: readonly DataRange[], size: number): Buffer {
  // The end of a file that ends with a hole is an entry of no length.
  const entries = [...ranges, { offset: size, length: 0 }];
  const text = `${entries.length}\n${entries.map(({ offset, length }) => `${offset}\n${length}\n`).join('')}`;
  const map = Buffer.alloc(Math.ceil(text.length / TAR_BLOCK) * TAR_BLOCK);
  map.write(text, 'latin1');
  return map;
}
