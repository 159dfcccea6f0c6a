import { GvaError } from '../../system/errors.js';

export const QCOW2_MAGIC = 0x514649fb;
/** Bytes of the longest header that is understood; a shorter file than the first version's is none. */
export const HEADER_LENGTH = { least: 72, most: 112 } as const;

/** What a reader needs of the header. QEMU docs/interop/qcow2.txt, "Header". Sizes and offsets in bytes. */
export interface Qcow2Header {
  readonly version: 2 | 3;
  readonly clusterBits: number;
  /** Of the disk as the guest sees it. */
  readonly size: number;
  readonly l1Offset: number;
  readonly l1Entries: number;
}

const Incompatible = {
  dirty: 0x1n,
  corrupt: 0x2n,
  externalData: 0x4n,
  compressionType: 0x8n,
  extendedL2: 0x10n,
} as const;

/** Neither matters to a reader: stale reference counts, and a repair that was never made. */
const READABLE = Incompatible.dirty | Incompatible.corrupt | Incompatible.compressionType;

/** What is done about a backing file that the header names. Ignored: the image is one of several layers, and who reads it knows the others. */
export type NamedBacking = 'refused' | 'ignored';

/** Parses and checks a header that begins with the magic number. `bytes` may be short, as the file is. */
export function parseHeader(bytes: Buffer, backing: NamedBacking = 'refused'): Qcow2Header {
  if (bytes.length < HEADER_LENGTH.least) throw corrupt('its header is cut off');
  const version = bytes.readUInt32BE(4);
  if (version !== 2 && version !== 3) throw unsupported(`version ${version}`);
  refuseUnreadable(bytes, version, backing);
  const clusterBits = bytes.readUInt32BE(20);
  if (clusterBits < 9 || clusterBits > 21) throw corrupt(`it claims clusters of 2^${clusterBits} bytes`);
  const header: Qcow2Header = {
    version,
    clusterBits,
    size: safeNumber(bytes.readBigUInt64BE(24), 'size'),
    l1Entries: bytes.readUInt32BE(36),
    l1Offset: safeNumber(bytes.readBigUInt64BE(40), 'place of the L1 table'),
  };
  const perL1Entry = 2 ** (2 * clusterBits - 3);
  if (header.l1Entries < Math.ceil(header.size / perL1Entry))
    throw corrupt('its L1 table is too small for its size');
  if (header.l1Offset % 2 ** clusterBits !== 0) throw corrupt('its L1 table is not aligned');
  return header;
}

/** An image that names other files of the host, or needs a key or another decoder, is refused. */
function refuseUnreadable(bytes: Buffer, version: 2 | 3, backing: NamedBacking): void {
  if (backing === 'refused' && bytes.readBigUInt64BE(8) !== 0n) throw unsupported('a backing file');
  if (bytes.readUInt32BE(32) !== 0) throw unsupported('encryption');
  const incompatible = version === 3 ? readFeatures(bytes) : 0n;
  if (incompatible & Incompatible.externalData) throw unsupported('an external data file');
  if (incompatible & Incompatible.compressionType) refuseOtherCompression(bytes);
  const unknown = incompatible & ~READABLE;
  if (unknown !== 0n) throw unsupported(`incompatible features 0x${unknown.toString(16)}`);
}

function readFeatures(bytes: Buffer): bigint {
  if (bytes.length < 104) throw corrupt('its header is cut off');
  return bytes.readBigUInt64BE(72);
}

/** Deflate only: Node's zstd cannot tell where a cluster ends and the next begins. */
function refuseOtherCompression(bytes: Buffer): void {
  const type = bytes.length > 104 ? bytes.readUInt8(104) : 0;
  if (type !== 0) throw unsupported(type === 1 ? 'zstd compression' : `compression type ${type}`);
}

function safeNumber(value: bigint, what: string): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw corrupt(`its ${what} is ${value.toString()}`);
  return Number(value);
}

export function corrupt(why: string): GvaError {
  return new GvaError('IMAGE_CORRUPT', `the qcow2 image is damaged: ${why}`);
}

export function unsupported(what: string): GvaError {
  return new GvaError('IMAGE_UNSUPPORTED', `the qcow2 image has what is not read here: ${what}`, {
    hint: 'Convert it: qemu-img convert -O qcow2 IMAGE NEW (only an image that you trust).',
  });
}
