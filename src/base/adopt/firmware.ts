import { gptTypes, readGptTypes } from '../../disk/gpt.js';
import { partitionTypes, readPartitionTable } from '../../disk/partition-table.js';
import type { BlockSource } from '../../disk/source.js';
import type { AdoptedDisk } from '../../model/base.js';
import { GvaError } from '../../system/errors.js';

const bootCodeSize = 440;

/**
 * By what firmware a disk boots. One that both boot is booted by BIOS, which is quicker.
 *
 * @throws GvaError ADOPT_UNBOOTABLE, PARTITION_TABLE
 */
export async function firmwareOf(disk: BlockSource): Promise<AdoptedDisk['firmware']> {
  if (disk.size < 512) throw unbootable('it is too small');
  const sector = await disk.read(0, 512);
  const hasCode = sector.subarray(0, bootCodeSize).some((byte) => byte !== 0);
  const isBootSector = sector.readUInt16LE(510) === 0xaa55;
  const types = await readGptTypes(disk);
  if (types) {
    if (hasCode && (types.has(gptTypes.biosBoot) || !types.has(gptTypes.efiSystem))) return 'bios';
    if (types.has(gptTypes.efiSystem)) return 'uefi';
    throw unbootable('its partition table has no partition that firmware boots');
  }
  if (!isBootSector) throw unbootable('it has neither a partition table nor a boot sector');
  const partitions = await readPartitionTable(disk);
  // Some put the code of a boot loader there that only says so much.
  if (!hasCode && partitions.some(({ type }) => type === partitionTypes.efiSystem)) return 'uefi';
  if (hasCode) return 'bios';
  throw unbootable('it has no boot loader');
}

const unbootable = (problem: string) =>
  new GvaError('ADOPT_UNBOOTABLE', `the disk cannot be booted: ${problem}`, {
    hint: 'Name the whole disk of a system that boots by itself, and not a partition of it.',
  });
