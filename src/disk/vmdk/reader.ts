import { checkRange, type BlockSource } from '../source.js';
import type { DataRange } from './data-ranges.js';
import type { CreateType } from './descriptor.js';
import { grainLength, openExtent, type Extent, type VmdkOptions } from './extent.js';
import { expandGrain, readStored } from './grain.js';
import { inOrder, poolWidth } from './in-order.js';
import type { StoredGrain } from './tables.js';

/** Expanded grains kept: neighbours are read one after another. */
const EXPANDED = 8;

/** The disk inside a VMDK file. */
export interface VmdkDisk extends BlockSource {
  readonly createType: CreateType;
  /** Where the disk may have data, in order; all else is zeros. */
  data(): AsyncGenerator<DataRange>;
}

/**
 * Opens the disk in a VMDK file that is all in one: streamOptimized or monolithicSparse, of version 1 to 3 (VMware,
 * "Virtual Disk Format 5.0"). Every number in the file is taken for hostile, and no other file is ever opened. The
 * disk owns `file` from then on.
 *
 * @throws GvaError IMAGE_UNSUPPORTED for delta disks, disks in several files and unknown features;
 *   IMAGE_CORRUPT for what contradicts itself, here or when it is read
 */
export async function openVmdk(file: BlockSource, options: VmdkOptions = {}): Promise<VmdkDisk> {
  return new VmdkSource(await openExtent(file, options));
}

class VmdkSource implements VmdkDisk {
  readonly size: number;
  readonly createType: CreateType;
  readonly #extent: Extent;
  readonly #expanded = new Map<number, Promise<Buffer>>();

  constructor(extent: Extent) {
    this.size = extent.size;
    this.createType = extent.createType;
    this.#extent = extent;
  }

  async read(offset: number, length: number, into?: Buffer): Promise<Buffer> {
    checkRange(offset, length, this.size);
    const buffer = (into ?? Buffer.allocUnsafe(length)).subarray(0, length);
    const filled = inOrder(this.#parts(buffer, offset), poolWidth, (part) => this.#fill(part));
    while (!(await filled.next()).done);
    return buffer;
  }

  async *data(): AsyncGenerator<DataRange> {
    const { tables, grainSize } = this.#extent;
    for await (const grains of tables.stored())
      for (const { index } of grains)
        yield { offset: index * grainSize, length: grainLength(this.#extent, index) };
  }

  /** What is asked of each grain. */
  *#parts(buffer: Buffer, offset: number): Generator<Part> {
    const { grainSize } = this.#extent;
    for (let done = 0; done < buffer.length;) {
      const within = (offset + done) % grainSize;
      const length = Math.min(grainSize - within, buffer.length - done);
      const index = Math.floor((offset + done) / grainSize);
      yield { index, within, into: buffer.subarray(done, done + length) };
      done += length;
    }
  }

  async #fill({ index, within, into }: Part): Promise<void> {
    const { tables, compressed, file } = this.#extent;
    const stored = await tables.locate(index);
    if (!stored) {
      into.fill(0);
    } else if (compressed) {
      (await this.#expand(stored)).copy(into, 0, within, within + into.length);
    } else {
      const bytes = await file.read(stored.at + within, into.length, into);
      if (bytes.buffer !== into.buffer || bytes.byteOffset !== into.byteOffset) bytes.copy(into);
    }
  }

  #expand(stored: StoredGrain): Promise<Buffer> {
    const { index } = stored;
    const grain = this.#expanded.get(index) ?? this.#inflate(stored);
    this.#expanded.delete(index);
    this.#expanded.set(index, grain);
    for (const oldest of this.#expanded.keys()) {
      if (this.#expanded.size <= EXPANDED) break;
      this.#expanded.delete(oldest);
    }
    return grain;
  }

  #inflate(stored: StoredGrain): Promise<Buffer> {
    const grain = readStored(this.#extent, stored).then((bytes) =>
      expandGrain(this.#extent, stored.index, bytes),
    );
    grain.catch(() => this.#expanded.delete(stored.index));
    return grain;
  }

  close(): Promise<void> {
    return this.#extent.file.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

interface Part {
  index: number;
  /** Offset in the grain, bytes. */
  within: number;
  into: Buffer;
}
