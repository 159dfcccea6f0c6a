import type { BlockSource } from '../source.js';
import { overlayCluster } from './overlay.js';
import type { Layer, LayerExtent } from './reader.js';

/** Bytes of a disk as the topmost layer has them that has any. */
export interface Piece extends Omit<LayerExtent, 'zero'> {
  /** Undefined where all are zeros. */
  readonly bytes: Buffer | undefined;
}

/** Bytes that are read at once. */
const step = 1 << 20;

/**
 * What layers have between them, piece by piece in the order of the disk; what none of them has is left out.
 *
 * @param layers of one disk, the lowest first
 */
export async function* piecesOf(layers: readonly Layer[]): AsyncGenerator<Piece> {
  const cursors = await Promise.all([...layers].reverse().map((layer) => Cursor.begin(layer)));
  for (let at = 0; ;) {
    for (const cursor of cursors) await cursor.skipTo(at);
    const open = cursors.filter(({ extent }) => extent !== undefined);
    if (open.length === 0) return;
    at = Math.max(at, Math.min(...open.map(({ start }) => start)));
    const top = open.find(({ start }) => start <= at) as Cursor;
    const above = open.slice(0, open.indexOf(top)).map(({ start }) => start);
    const end = Math.min(top.end, at + step, ...above);
    const length = end - at;
    yield { offset: at, length, bytes: top.zero ? undefined : await top.layer.read(at, length) };
    at = end;
  }
}

/** What of a raw disk is not all zeros, in whole clusters. */
export async function* rawExtents(disk: BlockSource): AsyncGenerator<LayerExtent> {
  const zeros = Buffer.alloc(overlayCluster);
  const buffer = Buffer.allocUnsafe(step);
  for (let start = 0; start < disk.size; start += step) {
    const bytes = await disk.read(start, Math.min(step, disk.size - start), buffer);
    for (let at = 0; at < bytes.length; at += overlayCluster) {
      const cluster = bytes.subarray(at, at + overlayCluster);
      if (!cluster.equals(zeros.subarray(0, cluster.length)))
        yield { offset: start + at, length: cluster.length, zero: false };
    }
  }
}

/** The extents of one layer, one after the other. */
class Cursor {
  readonly layer: Layer;
  extent: LayerExtent | undefined;
  readonly #extents: AsyncIterator<LayerExtent, undefined>;

  static async begin(layer: Layer): Promise<Cursor> {
    const cursor = new Cursor(layer);
    await cursor.#next();
    return cursor;
  }

  private constructor(layer: Layer) {
    this.layer = layer;
    this.#extents = layer.extents()[Symbol.asyncIterator]() as AsyncIterator<LayerExtent, undefined>;
  }

  get start(): number {
    return this.extent?.offset ?? Infinity;
  }

  get end(): number {
    return this.extent ? this.extent.offset + this.extent.length : Infinity;
  }

  get zero(): boolean {
    return this.extent?.zero ?? false;
  }

  async skipTo(at: number): Promise<void> {
    while (this.extent && this.end <= at) await this.#next();
  }

  async #next(): Promise<void> {
    const { value } = await this.#extents.next();
    this.extent = value;
  }
}
