import { open } from 'node:fs/promises';
import { ExitCode, GvaError } from '../system/errors.js';
import { openExt4 } from './ext4/index.js';
import { groupsOf, inodeSize, readAt } from './ext4-stamp.js';
import { lookUp } from './lookup.js';
import { openRaw } from './source.js';

/** What a file of the host cannot have when an ordinary user makes it. */
export interface InodeAttributes {
  /** From the root of the image, without a slash before it; printable() of its bytes where it has odd ones. */
  readonly path: string;
  /** The low 12 bits of the mode. */
  readonly permissions: number;
  readonly uid: number;
  readonly gid: number;
  /** Name, such as `security.capability`, to value. */
  readonly xattrs: ReadonlyMap<string, Buffer>;
}

/**
 * Gives some files of an image that stampInodes is done with other owners, modes and extended attributes.
 *
 * @throws GvaError EXT4_ATTRIBUTE naming the path that is not there, or whose attributes do not fit its inode
 */
export async function setAttributes(path: string, changes: readonly InodeAttributes[]): Promise<void> {
  const handle = await open(path, 'r+');
  try {
    const groups = await groupsOf(handle);
    const inodesPerGroup = groups[0]?.inodes ?? 1;
    for (const [number, change] of await inodeNumbers(path, changes)) {
      const group = groups[Math.floor((number - 1) / inodesPerGroup)];
      const offset = (group?.table ?? 0) + ((number - 1) % inodesPerGroup) * inodeSize;
      const inode = await readAt(handle, offset, inodeSize);
      apply(inode, change);
      await handle.write(inode, 0, inodeSize, offset);
    }
  } finally {
    await handle.close();
  }
}

async function inodeNumbers(
  path: string,
  changes: readonly InodeAttributes[],
): Promise<[number, InodeAttributes][]> {
  await using source = await openRaw(path);
  const tree = await openExt4(source);
  const numbers: [number, InodeAttributes][] = [];
  for (const change of changes) {
    const node = await lookUp(tree, change.path, () => undefined);
    if (!node) throw attributeError(change.path, 'it is not there');
    numbers.push([node.id, change]);
  }
  return numbers;
}

function apply(inode: Buffer, { path, permissions, uid, gid, xattrs }: InodeAttributes): void {
  inode.writeUInt16LE((inode.readUInt16LE(0) & 0xf000) | permissions, 0);
  // Low and high halves.
  inode.writeUInt16LE(uid & 0xffff, 2);
  inode.writeUInt16LE(uid >>> 16, 120);
  inode.writeUInt16LE(gid & 0xffff, 24);
  inode.writeUInt16LE(gid >>> 16, 122);
  if (xattrs.size > 0) writeXattrs(inode.subarray(128 + inode.readUInt16LE(128)), path, xattrs);
}

/** e_name_index of ext4_xattr_entry: filesystems/ext4/attributes.rst. The two for ACLs are whole names. */
const xattrPrefixes: readonly (readonly [prefix: string, index: number])[] = [
  ['user.', 1],
  ['system.posix_acl_access', 2],
  ['system.posix_acl_default', 3],
  ['trusted.', 4],
  ['security.', 6],
];
const xattrMagic = 0xea020000;

/** Attributes in the space behind an inode's fields: names from its beginning, values from its end. */
function writeXattrs(space: Buffer, path: string, xattrs: InodeAttributes['xattrs']): void {
  space.fill(0);
  space.writeUInt32LE(xattrMagic, 0);
  // Entries are sorted; offsets of values count from the first of them.
  const entries = space.subarray(4);
  let at = 0;
  let end = entries.length;
  for (const [name, given] of [...xattrs].sort(([one], [other]) => (one < other ? -1 : 1))) {
    const [prefix = '', index = 0] = xattrPrefixes.find(([each]) => name.startsWith(each)) ?? [];
    if (index === 0) throw attributeError(path, `its attribute ${name} is of no known kind`);
    const value = index === 2 || index === 3 ? storedAcl(given) : given;
    const suffix = Buffer.from(name.slice(prefix.length));
    const next = at + Math.ceil((16 + suffix.length) / 4) * 4;
    end -= Math.ceil(value.length / 4) * 4;
    // Four zeros end the list.
    if (next + 4 > end) throw attributeError(path, 'its attributes do not fit into its inode');
    entries.writeUInt8(suffix.length, at);
    entries.writeUInt8(index, at + 1);
    entries.writeUInt16LE(end, at + 2);
    entries.writeUInt32LE(value.length, at + 8);
    suffix.copy(entries, at + 16);
    value.copy(entries, end);
    at = next;
  }
}

/** e_tag of entries for a user or group by number: ACL_USER, ACL_GROUP. */
const namedTags = [2, 8];

/**
 * An access control list as ext4 stores it (fs/ext4/acl.h) from what programs see (linux/posix_acl_xattr.h): another
 * version, and numbers only in the entries that have one.
 */
function storedAcl(value: Buffer): Buffer {
  const parts: Buffer[] = [Buffer.from([1, 0, 0, 0])];
  for (let at = 4; at + 8 <= value.length; at += 8)
    parts.push(value.subarray(at, at + (namedTags.includes(value.readUInt16LE(at)) ? 8 : 4)));
  return Buffer.concat(parts);
}

function attributeError(path: string, why: string): GvaError {
  return new GvaError('EXT4_ATTRIBUTE', `cannot give /${path} of the image its attributes: ${why}`, {
    exitCode: ExitCode.infrastructure,
  });
}
