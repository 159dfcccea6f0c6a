import { GvaError } from '../../system/errors.js';

/** VirtualBox's "VDI Core" format, header of version 1.1 (VirtualBox Storage/VDICore.h); numbers are little-endian. */
export const VDI_SIGNATURE = 0xbeda107f;
export const signatureAt = 64;
/** Bytes: the header and what stands before it. */
export const headerLength = 512;

export interface VdiHeader {
  /** Bytes of the file before the map of blocks, and before the blocks. */
  readonly mapOffset: number;
  readonly dataOffset: number;
  /** Of the disk, in bytes. */
  readonly size: number;
  readonly blockSize: number;
  /** Of the disk; the map has an entry for each. */
  readonly blocks: number;
}

const types = { dynamic: 1, fixed: 2 } as const;
/** The map is read in pieces; its size alone is limited by that of the file. */
const largestBlock = 1 << 30;
const noParent = Buffer.alloc(16);

/** @throws GvaError IMAGE_UNSUPPORTED, IMAGE_CORRUPT */
export function parseVdiHeader(bytes: Buffer): VdiHeader {
  if (bytes.length < headerLength) throw corrupt('its header is cut off');
  const major = bytes.readUInt16LE(70);
  if (major !== 1) throw unsupported(`version ${major}`);
  if (bytes.readUInt32LE(72) < 0x180) throw corrupt('its header is too short for its version');
  const type = bytes.readUInt32LE(76);
  if (type !== types.dynamic && type !== types.fixed)
    throw unsupported(type === 4 ? 'a disk that lies on another one' : `images of type ${type}`);
  // uuidLinkage: the disk that this one lies on.
  if (!bytes.subarray(424, 440).equals(noParent)) throw unsupported('a disk that lies on another one');
  const size = Number(bytes.readBigUInt64LE(368));
  const header = {
    ...{ mapOffset: bytes.readUInt32LE(340), dataOffset: bytes.readUInt32LE(344), size },
    ...{ blockSize: bytes.readUInt32LE(376), blocks: bytes.readUInt32LE(384) },
  };
  check(header, bytes.readUInt32LE(380));
  return header;
}

function check({ mapOffset, dataOffset, size, blockSize, blocks }: VdiHeader, blockExtra: number): void {
  if (blockExtra !== 0) throw unsupported('blocks with data of their own');
  if (blockSize < 512 || blockSize > largestBlock || (blockSize & (blockSize - 1)) !== 0)
    throw corrupt(`it claims blocks of ${blockSize} bytes`);
  if (!Number.isSafeInteger(size) || size % 512 !== 0) throw corrupt(`it claims a disk of ${size} bytes`);
  if (blocks < Math.ceil(size / blockSize)) throw corrupt('it has fewer blocks than its disk');
  if (mapOffset < headerLength || dataOffset < mapOffset + blocks * 4)
    throw corrupt('its parts lie upon each other');
}

export const corrupt = (why: string) => new GvaError('IMAGE_CORRUPT', `the VDI image is damaged: ${why}`);

const unsupported = (what: string) =>
  new GvaError('IMAGE_UNSUPPORTED', `the VDI image has what is not read here: ${what}`, {
    hint: 'Convert it: VBoxManage clonemedium disk IMAGE NEW --format VDI, which makes one disk of all.',
  });
