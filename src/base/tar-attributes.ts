import type { InodeAttributes } from '../disk/ext4-attributes.js';
import { printable } from '../disk/findings.js';
import type { BlockSource } from '../disk/source.js';
import { TAR_BLOCK, fieldOf, parseNumber, parseTarHeader, tarCorrupt, untilNul } from '../ovf/tar/header.js';
import { paxRecords } from '../ovf/tar/pax.js';

/** Types of headers that speak of the next member: GNU's long name and link, pax's records. */
const extensions = new Set(['L', 'K', 'x', 'g']);

/**
 * What an ordinary user who unpacks an archive cannot give to its files: owners other than root, the set-id and
 * sticky bits, extended attributes; and modes that keep even the owner out. For archives that we had made: a root file system's, by GNU tar in pax format.
 * Devices are left out.
 *
 * @throws GvaError PACKAGE_CORRUPT
 */
export async function tarAttributes(archive: BlockSource): Promise<InodeAttributes[]> {
  const found: InodeAttributes[] = [];
  let extended: Extended = {};
  for (let at = 0; ;) {
    const block = await archive.read(at, TAR_BLOCK);
    if (block.every((byte) => byte === 0)) return found;
    const { name, size, type } = parseTarHeader(block, at);
    if (extensions.has(type)) {
      const content = await archive.read(at + TAR_BLOCK, size);
      if (type === 'L') extended = { ...extended, path: untilNul(content) };
      if (type === 'x') extended = { ...extended, ...readRecords(content, at) };
    } else {
      const attributes = attributesOf(block, at, { path: name, ...extended });
      if (isSpecial(attributes) && !devices.has(type)) found.push(attributes);
      extended = {};
    }
    at += TAR_BLOCK + Math.ceil(size / TAR_BLOCK) * TAR_BLOCK;
  }
}

/** Character and block devices. */
const devices = new Set(['3', '4']);

/** What extended headers say of the next member. */
interface Extended {
  readonly path?: Buffer;
  readonly uid?: number;
  readonly gid?: number;
  readonly xattrs?: ReadonlyMap<string, Buffer>;
}

function readRecords(content: Buffer, at: number): Extended {
  const records = new Map([...paxRecords(content, at)].map(({ key, value }) => [key, value]));
  const path = records.get('path');
  const number = (key: 'uid' | 'gid') => {
    const value = records.get(key)?.toString('latin1');
    return value === undefined || !/^\d{1,10}$/.test(value) ? {} : { [key]: Number(value) };
  };
  return { ...(path ? { path } : {}), ...number('uid'), ...number('gid'), xattrs: xattrsOf(records) };
}

const xattrKey = 'SCHILY.xattr.';

const xattrsOf = (records: ReadonlyMap<string, Buffer>) =>
  new Map(
    [...records].flatMap(([key, value]) =>
      key.startsWith(xattrKey) ? [[key.slice(xattrKey.length), value] as const] : [],
    ),
  );

function attributesOf(
  block: Buffer,
  at: number,
  { path, uid, gid, xattrs = new Map<string, Buffer>() }: Extended & { path: Buffer },
): InodeAttributes {
  const number = (field: 'mode' | 'uid' | 'gid') => {
    const value = parseNumber(fieldOf(block, field));
    if (value === undefined) throw tarCorrupt(`the header at byte ${at} has no ${field}`);
    return value;
  };
  const permissions = number('mode') & 0o7777;
  return { path: pathOf(path), permissions, uid: uid ?? number('uid'), gid: gid ?? number('gid'), xattrs };
}

/** An ordinary user must be able to read a file that is copied, and to write into a folder that is removed. */
const isSpecial = ({ permissions, uid, gid, xattrs }: InodeAttributes) =>
  uid !== 0 ||
  gid !== 0 ||
  permissions > 0o777 ||
  xattrs.size > 0 ||
  (permissions & ownersBits) !== ownersBits;

/** What `chmod -R u+rw` gives to every file. */
const ownersBits = 0o600;

const pathOf = (name: Buffer) =>
  printable(name)
    .replace(/^(\.?\/)+/, '')
    .replace(/\/$/, '');
