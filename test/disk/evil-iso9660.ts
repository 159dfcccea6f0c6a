import { expect } from 'vitest';
import {
  isoBytes,
  openIso,
  type Iso9660,
  type IsoNode,
  type MediumEntry,
} from '../../src/disk/iso9660/index.js';
import { MemorySource } from './ext4-fixture.js';
import { extracted, type Extracted } from './extract-fixture.js';

export const SECTOR = 2048;

/** A well-formed volume with handles on its structures, for tests to put evil into. */
export class EvilIso {
  readonly bytes: Buffer;
  readonly #records: ReadonlyMap<string, number>;
  readonly #nodes: ReadonlyMap<string, IsoNode>;

  /** By `evilIso` only. */
  constructor(bytes: Buffer, records: ReadonlyMap<string, number>, nodes: ReadonlyMap<string, IsoNode>) {
    this.bytes = bytes;
    this.#records = records;
    this.#nodes = nodes;
  }

  descriptor(index: number): Buffer {
    return this.bytes.subarray((16 + index) * SECTOR, (17 + index) * SECTOR);
  }

  /** The directory record at a path of the primary hierarchy. */
  record(path: string): Buffer {
    const at = this.#records.get(path)!;
    return this.bytes.subarray(at, at + this.bytes[at]!);
  }

  sectorOf(path: string): number {
    return this.#nodes.get(path)!.extents[0]!.at / SECTOR;
  }

  sector(number: number): Buffer {
    return this.bytes.subarray(number * SECTOR, (number + 1) * SECTOR);
  }

  setExtent(path: string, sector: number, length?: number): void {
    const record = this.record(path);
    record.writeUInt32LE(sector, 2);
    if (length !== undefined) record.writeUInt32LE(length, 10);
  }

  /** The system use entry of a record. */
  entry(path: string, signature: string): Buffer {
    const record = this.record(path);
    const at = record.indexOf(signature, 33, 'latin1');
    return record.subarray(at, at + record[at + 2]!);
  }
}

export async function evilIso(entries: readonly MediumEntry[]): Promise<EvilIso> {
  const bytes = Buffer.from(isoBytes(entries, { volumeId: 'EVIL' }));
  const iso = await openIso(new MemorySource(bytes));
  const records = new Map<string, number>();
  const nodes = new Map<string, IsoNode>([['', iso.root]]);
  const visit = async (directory: IsoNode, path: string): Promise<void> => {
    for await (const found of iso.readDirectory(directory)) {
      for (const { name, id } of found) {
        const node = await iso.stat(id);
        records.set(path + name.toString(), id);
        nodes.set(path + name.toString(), node);
        if (node.kind === 'directory') await visit(node, `${path}${name.toString()}/`);
      }
    }
  };
  await visit(iso.root, '');
  return new EvilIso(bytes, records, nodes);
}

export const file = (path: string, text = 'x'): MediumEntry => ({
  kind: 'file',
  path,
  content: Buffer.from(text),
});

/** Unharmed neighbours: whatever is done to the rest, they have to come out. */
const good: MediumEntry[] = [
  file('good/file', 'good contents'),
  { kind: 'symlink', path: 'good/link', target: 'file' },
];
const goodFound = {
  good: 'directory 755',
  'good/file': 'file 644 13 good contents',
  'good/link': 'link to file',
};

/**
 * Extracts a volume that evil was put into; what is found beside the good neighbours is `rest`.
 *
 * @param keep bytes that are left of the image
 */
export async function extractedEvil(
  entries: readonly MediumEntry[],
  evil: (image: EvilIso) => unknown,
  { harmless = true, keep = Infinity } = {},
): Promise<Extracted & { rest: Record<string, string>; iso: Iso9660 }> {
  const image = await evilIso([...good, ...entries]);
  evil(image);
  const iso = await openIso(new MemorySource(image.bytes.subarray(0, keep)));
  const result = await extracted(iso);
  if (harmless) expect(Object.fromEntries(result.found)).toMatchObject(goodFound);
  const rest = Object.fromEntries([...result.found].filter(([path]) => !path.startsWith('good')));
  return { ...result, rest, iso };
}
