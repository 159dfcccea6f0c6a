import { ReadCache } from '../cache.js';
import { type BlockSource, checkRange } from '../source.js';
import {
  VDI_SIGNATURE,
  type VdiHeader,
  corrupt,
  headerLength,
  parseVdiHeader,
  signatureAt,
} from './header.js';

export async function isVdi(file: BlockSource): Promise<boolean> {
  return file.size >= signatureAt + 4 && (await file.read(signatureAt, 4)).readUInt32LE(0) === VDI_SIGNATURE;
}

/**
 * The disk inside a VDI file, dynamic or of fixed size. Every number in the file is taken for hostile, and no other file
 * is ever opened. The disk owns `file` from then on.
 *
 * @throws GvaError IMAGE_UNSUPPORTED for a disk that lies on another one; IMAGE_CORRUPT, here or when it is read
 */
export async function openVdi(file: BlockSource): Promise<BlockSource> {
  if (!(await isVdi(file))) throw corrupt('it does not begin as one');
  const header = parseVdiHeader(await file.read(0, Math.min(file.size, headerLength)));
  if (header.mapOffset + header.blocks * 4 > file.size) throw corrupt('its map is outside the file');
  return new VdiSource(file, header);
}

/** Entries of the map of blocks that have no place in the file: from here on. */
const unallocated = 0xfffffffe;

class VdiSource implements BlockSource {
  readonly size: number;
  readonly #file: BlockSource;
  readonly #header: VdiHeader;
  readonly #map: ReadCache;

  constructor(file: BlockSource, header: VdiHeader) {
    this.#file = file;
    this.#header = header;
    this.#map = new ReadCache(file);
    this.size = header.size;
  }

  async read(offset: number, length: number, into?: Buffer): Promise<Buffer> {
    checkRange(offset, length, this.size);
    const buffer = (into ?? Buffer.allocUnsafe(length)).subarray(0, length);
    const { blockSize } = this.#header;
    for (let done = 0; done < length;) {
      const within = (offset + done) % blockSize;
      const part = buffer.subarray(done, done + Math.min(blockSize - within, length - done));
      await this.#fill(part, Math.floor((offset + done) / blockSize), within);
      done += part.length;
    }
    return buffer;
  }

  async #fill(part: Buffer, block: number, within: number): Promise<void> {
    const { mapOffset, dataOffset, blockSize } = this.#header;
    const entry = (await this.#map.read(mapOffset + block * 4, 4)).readUInt32LE(0);
    if (entry >= unallocated) {
      part.fill(0);
      return;
    }
    const at = dataOffset + entry * blockSize + within;
    // The file may end within its last block: the rest of that reads as zeros.
    const present = Math.min(part.length, this.#file.size - at);
    if (present <= 0) throw corrupt(`a block at byte ${at} is outside the file`);
    const read = await this.#file.read(at, present, part.subarray(0, present));
    if (read.buffer !== part.buffer || read.byteOffset !== part.byteOffset) read.copy(part);
    part.fill(0, present);
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
