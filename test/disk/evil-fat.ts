import { expect } from 'vitest';
import {
  fatBytes,
  openFat,
  type Fat,
  type FatNode,
  type FatOptions,
  type MediumEntry,
} from '../../src/disk/fat/index.js';
import { MemorySource } from './ext4-fixture.js';
import { extracted, type Extracted } from './extract-fixture.js';
import { file } from './evil-iso9660.js';

/** A well-formed floppy (FAT12) with handles on its structures, for tests to put evil into. */
export class EvilFat {
  readonly bytes: Buffer;
  readonly #entries: ReadonlyMap<string, number>;

  /** By `evilFat` only. */
  constructor(bytes: Buffer, entries: ReadonlyMap<string, number>) {
    this.bytes = bytes;
    this.#entries = entries;
  }

  get boot(): Buffer {
    return this.bytes.subarray(0, 512);
  }

  /** The short entry at a path, or one that many before it. */
  entry(path: string, before = 0): Buffer {
    const at = this.#entries.get(path)! - 32 * before;
    return this.bytes.subarray(at, at + 32);
  }

  cluster(path: string): number {
    return this.entry(path).readUInt16LE(26);
  }

  setCluster(path: string, cluster: number): void {
    this.entry(path).writeUInt16LE(cluster, 26);
  }

  setSize(path: string, size: number): void {
    this.entry(path).writeUInt32LE(size, 28);
  }

  /** The bytes of a cluster; they are sectors here. */
  data(cluster: number): Buffer {
    const at = (1 + 2 * 9 + 14 + cluster - 2) * 512;
    return this.bytes.subarray(at, at + 512);
  }

  /** Sets an entry of the first allocation table. */
  link(cluster: number, to: number): void {
    const at = 512 + Math.floor((cluster * 3) / 2);
    const word = this.bytes.readUInt16LE(at);
    const mixed = cluster % 2 === 0 ? (word & 0xf000) | to : (word & 0x000f) | (to << 4);
    this.bytes.writeUInt16LE(mixed, at);
  }
}

export async function evilFat(
  entries: readonly MediumEntry[],
  options: FatOptions = { label: 'EVIL' },
): Promise<EvilFat> {
  const bytes = Buffer.from(fatBytes(entries, options));
  const fat = await openFat(new MemorySource(bytes));
  const places = new Map<string, number>();
  const visit = async (directory: FatNode, path: string): Promise<void> => {
    for await (const found of fat.readDirectory(directory)) {
      for (const { name, id } of found) {
        places.set(path + name.toString(), id);
        const node = await fat.stat(id);
        if (node.kind === 'directory') await visit(node, `${path}${name.toString()}/`);
      }
    }
  };
  await visit(fat.root, '');
  return new EvilFat(bytes, places);
}

/** Unharmed neighbours: whatever is done to the rest, they have to come out. */
const good: MediumEntry[] = [file('good/a long name', 'good contents'), file('good/short', 'x')];
const goodFound = {
  good: 'directory 755',
  'good/a long name': 'file 644 13 good contents',
  'good/short': 'file 644 1 x',
};

/**
 * Extracts a floppy that evil was put into; what is found beside the good neighbours is `rest`.
 *
 * @param keep bytes that are left of the image
 */
export async function extractedEvil(
  entries: readonly MediumEntry[],
  evil: (image: EvilFat) => unknown,
  { harmless = true, keep = Infinity } = {},
): Promise<Extracted & { rest: Record<string, string>; fat: Fat }> {
  const image = await evilFat([...good, ...entries]);
  evil(image);
  const fat = await openFat(new MemorySource(image.bytes.subarray(0, keep)));
  const result = await extracted(fat);
  if (harmless) expect(Object.fromEntries(result.found)).toMatchObject(goodFound);
  const rest = Object.fromEntries([...result.found].filter(([path]) => !path.startsWith('good')));
  return { ...result, rest, fat };
}
