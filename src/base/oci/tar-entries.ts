import { printable } from '../../disk/findings.js';
import type { BlockSource } from '../../disk/source.js';
import {
  TAR_BLOCK,
  fieldOf,
  parseNumber,
  parseTarHeader,
  tarCorrupt,
  untilNul,
} from '../../ovf/tar/header.js';
import { paxRecords } from '../../ovf/tar/pax.js';
import { ociLayerError } from './errors.js';

/** A member of a layer; path and target as they stand. */
export interface TarEntry {
  readonly path: string;
  /** As the header has it: `0` a file, `1` a hard link, `2` a symbolic one, `5` a folder; others are devices. */
  readonly type: string;
  /** The low 12 bits of the mode. */
  readonly permissions: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of the content, and where in the archive it begins. */
  readonly size: number;
  readonly at: number;
  /** Of a link. */
  readonly target: string;
  /** Name to value. */
  readonly xattrs: ReadonlyMap<string, Buffer>;
}

/** Bytes of an extended header that are read. */
const longestExtension = 1 << 20;

/**
 * The members of an archive that anybody made, in its order: ustar, pax, GNU.
 *
 * @throws GvaError PACKAGE_CORRUPT, OCI_LAYER
 */
export async function* tarEntries(archive: BlockSource): AsyncGenerator<TarEntry> {
  let extended = new Map<string, Buffer>();
  for (let at = 0; at + TAR_BLOCK <= archive.size;) {
    const block = await archive.read(at, TAR_BLOCK);
    if (block.every((byte) => byte === 0)) return;
    const { name, size: stored, type } = parseTarHeader(block, at);
    const size = sizeIn(extended) ?? stored;
    const content = at + TAR_BLOCK;
    if (content + size > archive.size) throw tarCorrupt('its last member is cut off');
    if (['L', 'K', 'x', 'g'].includes(type)) {
      if (size > longestExtension) throw tarCorrupt(`the header at byte ${at} is too long`);
      const bytes = await archive.read(content, size);
      if (type === 'L') extended.set('path', untilNul(bytes));
      if (type === 'K') extended.set('linkpath', untilNul(bytes));
      if (type === 'x')
        for (const { key, value } of paxRecords(bytes, at)) extended.set(key, Buffer.from(value));
    } else {
      yield entryOf(block, { name, type, size, at: content }, extended);
      extended = new Map();
    }
    at = content + Math.ceil(size / TAR_BLOCK) * TAR_BLOCK;
  }
}

/** Names are kept by files of the host, and told of: such as are no text are refused. */
function textOf(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  if (Buffer.from(text, 'utf8').equals(bytes)) return text;
  throw ociLayerError(`the name ${printable(bytes)} is not UTF-8`);
}

function sizeIn(extended: ReadonlyMap<string, Buffer>): number | undefined {
  const value = extended.get('size');
  if (value === undefined) return undefined;
  if (/^\d{1,15}$/.test(value.toString('latin1'))) return Number(value);
  throw tarCorrupt('a pax header has a size that is none');
}

const xattrKey = 'SCHILY.xattr.';

function entryOf(
  block: Buffer,
  { name, type, size, at }: { name: Buffer; type: string; size: number; at: number },
  extended: ReadonlyMap<string, Buffer>,
): TarEntry {
  if ([...extended.keys()].some((key) => key.startsWith('GNU.sparse.')) || type === 'S')
    throw tarCorrupt(`the sparse file at byte ${at} is of a kind that is not read here`);
  const number = (field: 'mode' | 'uid' | 'gid') => {
    const record = field === 'mode' ? undefined : extended.get(field);
    const value = record === undefined ? parseNumber(fieldOf(block, field)) : Number(record);
    if (value === undefined || !Number.isSafeInteger(value) || value < 0 || value > 0xffffffff)
      throw tarCorrupt(`the header at byte ${at} has no ${field}`);
    return value;
  };
  const xattrs = [...extended].flatMap(([key, value]) =>
    key.startsWith(xattrKey) ? [[key.slice(xattrKey.length), value] as const] : [],
  );
  return {
    path: textOf(extended.get('path') ?? name),
    ...{ type: type === '7' ? '0' : type, size, at },
    permissions: number('mode') & 0o7777,
    ...{ uid: number('uid'), gid: number('gid') },
    target: textOf(extended.get('linkpath') ?? untilNul(fieldOf(block, 'linkName'))),
    xattrs: new Map(xattrs),
  };
}
