import { type Layer, type LayerExtent, openQcow2 } from '../../disk/qcow2/reader.js';
import { overlayCluster } from '../../disk/qcow2/overlay.js';
import { type Piece, piecesOf, rawExtents } from '../../disk/qcow2/layers.js';
import { type BlockSource, openRaw } from '../../disk/source.js';
import { GvaError } from '../../system/errors.js';

/** Opened for reading, whatever file below it names. @throws GvaError IMAGE_* as its reader */
export async function openLayer(path: string): Promise<Layer> {
  const file = await openRaw(path, 'refused');
  try {
    const layer = await openQcow2(file, 'ignored');
    if (layer.clusterSize === overlayCluster) return layer;
    throw new GvaError('IMAGE_UNSUPPORTED', `${path} has clusters of ${layer.clusterSize} bytes`);
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** A raw disk that a guest writes, as the lowest layer: its zeros let through other zeros. */
export async function openRawLayer(path: string): Promise<Layer> {
  return new RawLayer(await openRaw(path, 'refused'));
}

class RawLayer implements Layer {
  readonly size: number;
  readonly clusterSize = overlayCluster;
  readonly #disk: BlockSource;

  constructor(disk: BlockSource) {
    this.#disk = disk;
    this.size = disk.size;
  }

  extents(): AsyncIterable<LayerExtent> {
    return rawExtents(this.#disk);
  }

  read(offset: number, length: number, into?: Buffer): Promise<Buffer> {
    return this.#disk.read(offset, length, into);
  }

  close(): Promise<void> {
    return this.#disk.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/**
 * Has the pieces that layers have between them used, and closes the layers.
 *
 * @param open of the layers, the lowest first
 */
export async function withPieces<T>(
  open: readonly (() => Promise<Layer>)[],
  use: (pieces: AsyncIterable<Piece>) => Promise<T>,
): Promise<T> {
  const layers: Layer[] = [];
  try {
    for (const each of open) layers.push(await each());
    return await use(piecesOf(layers));
  } finally {
    for (const layer of layers) await layer.close();
  }
}
