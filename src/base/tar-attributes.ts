import type { InodeAttributes } from '../disk/ext4-attributes.js';
import { printable } from '../disk/findings.js';
import type { BlockSource } from '../disk/source.js';
import { TAR_BLOCK, fieldOf, parseNumber, parseTarHeader, tarCorrupt, untilNul } from '../ovf/tar/header.js';
import { paxRecords } from '../ovf/tar/pax.js';

/** Types of headers that speak of the next member: GNU's long name and link, pax's records. */
const extensions = new Set(['L', 'K', 'x', 'g']);

/**
 * What an ordinary user who unpacks an archive cannot give to its files: owners other than root, the set-id and
 * sticky bits, extended attributes. For archives that we had made: a root file system's, by GNU tar in pax format.
 * Devices are left out.
 *
 * @throws GvaError PACKAGE_CORRUPT
 */
export async function tarAttributes(archive: BlockSource): Promise<InodeAttributes[]> {
  const found: InodeAttributes[] = [];
  let path: Buffer | undefined;
  let xattrs = new Map<string, Buffer>();
  for (let at = 0; ;) {
    const block = await archive.read(at, TAR_BLOCK);
    if (block.every((byte) => byte === 0)) return found;
    const { name, size, type } = parseTarHeader(block, at);
    if (extensions.has(type)) {
      const content = await archive.read(at + TAR_BLOCK, size);
      if (type === 'L') path = untilNul(content);
      if (type === 'x') {
        const records = new Map([...paxRecords(content, at)].map(({ key, value }) => [key, value]));
        path = records.get('path') ?? path;
        xattrs = xattrsOf(records);
      }
    } else {
      const attributes = { path: pathOf(path ?? name), ...fieldsOf(block, at), xattrs };
      if (isSpecial(attributes) && type !== '3' && type !== '4') found.push(attributes);
      path = undefined;
      xattrs = new Map();
    }
    at += TAR_BLOCK + Math.ceil(size / TAR_BLOCK) * TAR_BLOCK;
  }
}

const xattrKey = 'SCHILY.xattr.';

const xattrsOf = (records: ReadonlyMap<string, Buffer>) =>
  new Map(
    [...records].flatMap(([key, value]) =>
      key.startsWith(xattrKey) ? [[key.slice(xattrKey.length), value] as const] : [],
    ),
  );

function fieldsOf(block: Buffer, at: number): Pick<InodeAttributes, 'permissions' | 'uid' | 'gid'> {
  const number = (field: 'mode' | 'uid' | 'gid') => {
    const value = parseNumber(fieldOf(block, field));
    if (value === undefined) throw tarCorrupt(`the header at byte ${at} has no ${field}`);
    return value;
  };
  return { permissions: number('mode') & 0o7777, uid: number('uid'), gid: number('gid') };
}

const isSpecial = ({ permissions, uid, gid, xattrs }: InodeAttributes) =>
  uid !== 0 || gid !== 0 || permissions > 0o777 || xattrs.size > 0;

const pathOf = (name: Buffer) =>
  printable(name)
    .replace(/^(\.?\/)+/, '')
    .replace(/\/$/, '');
