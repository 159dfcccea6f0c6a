import type { BlockSource } from './source.js';

const vmdkHint =
  "VMDK is read where it is one file of the type streamOptimized or monolithicSparse: convert it with VMware's tools, or by qemu-img convert (only an image that you trust).";

/** Marks of what is not read here; offsets in bytes. */
const marks: readonly { at: number; bytes: string; what: string; hint?: string }[] = [
  { at: 0, bytes: 'KDMV', what: 'a VMDK image inside of another image' },
  { at: 0, bytes: '# Disk Descriptor', what: 'the text of a VMDK disk in several files', hint: vmdkHint },
  { at: 0, bytes: 'COWD', what: 'a part of a VMDK disk in several files', hint: vmdkHint },
  { at: 0, bytes: '\x1f\x8b', what: 'compressed by gzip', hint: 'Decompress it first: gunzip' },
  { at: 0, bytes: '\xfd7zXZ', what: 'compressed by xz', hint: 'Decompress it first: unxz' },
  { at: 0, bytes: '\x28\xb5\x2f\xfd', what: 'compressed by zstd', hint: 'Decompress it first: unzstd' },
  { at: 257, bytes: 'ustar', what: 'a tar archive or an OVA', hint: 'Unpack it first: tar -xf' },
  { at: 3, bytes: 'NTFS    ', what: 'an NTFS file system' },
  { at: 3, bytes: 'EXFAT   ', what: 'an exFAT file system' },
  { at: 0, bytes: 'hsqs', what: 'a squashfs file system' },
  { at: 0, bytes: 'XFSB', what: 'an XFS file system' },
  { at: 65_600, bytes: '_BHRfS_M', what: 'a btrfs file system' },
  { at: 0, bytes: 'LUKS\xba\xbe', what: 'an encrypted disk (LUKS)' },
];

const partitionHint =
  'Partition tables are not read yet: copy the partition to a file of its own (parted IMAGE unit s print; dd bs=512 skip=START count=SECTORS).';
/** Bytes at the beginning in which every file system that is read has its mark. */
const headLength = 68 * 1024;

/** What an image has that no reader recognised, as the end of a sentence; empty where that is not known. */
export async function foreignContent(source: BlockSource): Promise<{ what: string; hint?: string }> {
  const head = await source.read(0, Math.min(headLength, source.size));
  if (head.length === 0) return { what: ': it is empty' };
  if (head.every((byte) => byte === 0)) return { what: ': it is blank, at least where one would begin' };
  const mark = marks.find(({ at, bytes }) => head.toString('latin1', at, at + bytes.length) === bytes);
  if (mark) return { what: `: it is ${mark.what}`, ...(mark.hint === undefined ? {} : { hint: mark.hint }) };
  const table = partitionTable(head);
  return table === undefined
    ? { what: '' }
    : { what: `: it has a partition table (${table})`, hint: partitionHint };
}

/** UEFI specification 5.3 (GPT, in the second sector of 512 or 4,096 bytes) and 5.2.1 (MBR). */
function partitionTable(head: Buffer): string | undefined {
  if ([512, 4096].some((at) => head.toString('latin1', at, at + 8) === 'EFI PART')) return 'GPT';
  if (head.length < 512 || head.readUInt16LE(510) !== 0xaa55) return undefined;
  const entries = [446, 462, 478, 494].map((at) => head.subarray(at, at + 16));
  const sound = entries.every((entry) => ((entry[0] ?? 0) & 0x7f) === 0);
  const used = entries.some((entry) => entry[4] !== 0 && entry.readUInt32LE(12) > 0);
  return sound && used ? 'MBR' : undefined;
}
