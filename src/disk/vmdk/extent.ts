import type { BlockSource } from '../source.js';
import { parseDescriptor, type CreateType } from './descriptor.js';
import { corrupt } from './errors.js';
import { MAX_CAPACITY, readHeader } from './header.js';
import { GrainTables } from './tables.js';

export interface VmdkOptions {
  /** Bytes; a disk of more is refused. Default: 64 TiB. */
  maxCapacity?: number;
}

/** The only extent of a disk, checked as far as it can be without its grains. Sizes in bytes. */
export interface Extent {
  readonly file: BlockSource;
  readonly createType: CreateType;
  /** Of the disk. */
  readonly size: number;
  readonly grainSize: number;
  readonly compressed: boolean;
  readonly tables: GrainTables;
}

export async function openExtent(file: BlockSource, options: VmdkOptions): Promise<Extent> {
  const header = await readHeader(file, options.maxCapacity ?? MAX_CAPACITY);
  const { capacity, grainSize, compressed, descriptorOffset, descriptorSize } = header;
  const { createType, size } = parseDescriptor(await file.read(descriptorOffset, descriptorSize));
  if (compressed !== (createType === 'streamOptimized'))
    throw corrupt('its header and its descriptor contradict each other about compression');
  // VirtualBox rounds the capacity up to whole grains, but not the extent.
  if (size === 0 || size > capacity || capacity - size >= grainSize)
    throw corrupt(`its extent has ${size} bytes, its capacity is ${capacity}`);
  return { file, createType, size, grainSize, compressed, tables: new GrainTables(file, header, size) };
}

/** Bytes of the disk in a grain: the last one need not be whole. */
export function grainLength({ size, grainSize }: Extent, index: number): number {
  return Math.min(grainSize, size - index * grainSize);
}
