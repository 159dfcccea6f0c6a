import { tarCorrupt } from './header.js';

/** What a pax extended header says of a member, as far as it matters here. */
export interface PaxRecords {
  readonly path?: Buffer;
  /** Bytes. */
  readonly size?: number;
  /** The content is a map of a sparse file and its pieces, not the file. */
  readonly sparse?: boolean;
}

/** Bytes of a record's length, with its space: a header has at most a megabyte. */
const LENGTH_FIELD = 8;

/**
 * Parses records `LENGTH KEY=VALUE\n` (POSIX.1-2017, pax, "pax Extended Header"). Of two with one key the last
 * holds; an empty value means that there is none. `at` is the byte offset, for errors.
 *
 * @throws GvaError PACKAGE_CORRUPT
 */
export function parsePax(content: Buffer, at: number): PaxRecords {
  const records: { path?: Buffer; size?: number; sparse?: boolean } = {};
  for (const { key, value } of paxRecords(content, at)) {
    if (key === 'path' && value.length > 0) records.path = value;
    else if (key === 'path') delete records.path;
    else if (key === 'size') records.size = sizeOf(value, at);
    else if (key.startsWith('GNU.sparse.')) records.sparse = true;
  }
  return records;
}

/** All records as they stand. */
export function* paxRecords(content: Buffer, at: number): Generator<{ key: string; value: Buffer }> {
  for (let offset = 0; offset < content.length && content[offset] !== 0;) {
    const { key, value, length } = recordAt(content, offset, at);
    yield { key, value };
    offset += length;
  }
}

function recordAt(
  content: Buffer,
  offset: number,
  at: number,
): { key: string; value: Buffer; length: number } {
  const digits = /^(\d{1,7}) /.exec(content.toString('latin1', offset, offset + LENGTH_FIELD))?.[1] ?? '0';
  const record = content.subarray(offset, offset + Number(digits));
  const equals = record.indexOf('=');
  if (record.length !== Number(digits) || equals < 0 || record.at(-1) !== NEWLINE)
    throw tarCorrupt(`the pax header at byte ${at} cannot be read`);
  const key = record.toString('latin1', digits.length + 1, equals);
  return { key, value: record.subarray(equals + 1, -1), length: record.length };
}

const NEWLINE = 0x0a;

function sizeOf(value: Buffer, at: number): number {
  const size = /^\d{1,16}$/.test(value.toString('latin1')) ? Number(value.toString('latin1')) : NaN;
  if (!Number.isSafeInteger(size)) throw tarCorrupt(`the pax header at byte ${at} has a size that is none`);
  return size;
}
