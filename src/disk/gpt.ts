import type { BlockSource } from './source.js';

/** GUID Partition Table (UEFI specification 2.10, 5.3). */

/** Types of partitions that tell by what firmware a disk boots, as they stand on a disk. */
export const gptTypes = {
  /** C12A7328-F81F-11D2-BA4B-00A0C93EC93B */
  efiSystem: '28732ac11ff8d211ba4b00a0c93ec93b',
  /** 21686148-6449-6E6F-744E-656564454649: where GRUB has its core for BIOS. */
  biosBoot: '4861682149646f6e744e656564454649',
} as const;

const sectorSize = 512;
const entrySize = { least: 128, most: 4096 } as const;
/** More entries than this are not looked at. */
const maxEntries = 1024;

/**
 * The types of the partitions in the GPT of a disk that anybody wrote, as hexadecimal bytes; undefined where there is
 * none. The backup at the disk's end is not looked for.
 */
export async function readGptTypes(disk: BlockSource): Promise<Set<string> | undefined> {
  if (disk.size < 3 * sectorSize) return undefined;
  const header = await disk.read(sectorSize, sectorSize);
  if (header.toString('latin1', 0, 8) !== 'EFI PART') return undefined;
  const types = new Set<string>();
  const size = header.readUInt32LE(84);
  const count = Math.min(header.readUInt32LE(80), maxEntries);
  const start = Number(header.readBigUInt64LE(72)) * sectorSize;
  if (size < entrySize.least || size > entrySize.most) return types;
  for (let index = 0; index < count; index++) {
    const at = start + index * size;
    if (at + size > disk.size) break;
    const type = (await disk.read(at, 16)).toString('hex');
    if (!/^0+$/.test(type)) types.add(type);
  }
  return types;
}
