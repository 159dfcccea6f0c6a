import type { Report } from '../findings.js';
import { extraSize, type Inode } from './inode.js';

const XATTR_MAGIC = 0xea020000;
const SYSTEM_INDEX = 7;
const ENTRY_HEADER = 16;

/**
 * The two places of inline data: i_block, and the value of the attribute system.data behind the inode's fixed
 * fields (kernel Documentation/filesystems/ext4/inlinedata.rst and attributes.rst). Views of the inode.
 */
export function inlineParts(inode: Inode): [Buffer, Buffer] {
  return [inode.map, systemData(inode.raw)];
}

/** Inline contents cut to the inode's size; what is missing is reported and left out. */
export function inlineContents(inode: Inode, report: Report): Buffer {
  const contents = Buffer.concat(inlineParts(inode));
  if (inode.size > contents.length) {
    report('EXT4_INLINE', `${inode.size} bytes are claimed inline, ${contents.length} are there`);
  }
  return contents.subarray(0, inode.size);
}

/** Entries lie in a list from the start of the area, values anywhere behind: each offset is checked. */
function systemData(raw: Buffer): Buffer {
  const start = 128 + extraSize(raw);
  const none = raw.subarray(0, 0);
  if (start === 128 || start + 4 > raw.length || raw.readUInt32LE(start) !== XATTR_MAGIC) return none;
  const area = raw.subarray(start + 4);
  for (let at = 0; at + ENTRY_HEADER <= area.length && area.readUInt32LE(at) !== 0;) {
    const nameLength = area.readUInt8(at);
    const name = area.toString('latin1', at + ENTRY_HEADER, at + ENTRY_HEADER + nameLength);
    if (area.readUInt8(at + 1) === SYSTEM_INDEX && name === 'data') return valueOf(area, at);
    at += (ENTRY_HEADER + nameLength + 3) & ~3;
  }
  return none;
}

function valueOf(area: Buffer, at: number): Buffer {
  const offset = area.readUInt16LE(at + 2);
  const length = area.readUInt32LE(at + 8);
  const external = area.readUInt32LE(at + 4) !== 0;
  return external || offset + length > area.length
    ? area.subarray(0, 0)
    : area.subarray(offset, offset + length);
}
