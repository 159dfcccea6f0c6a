import zlib from 'node:zlib';
import { messageOf } from '../../system/errors.js';
import { corrupt, unsupported, type Qcow2Header } from './header.js';

/**
 * One cluster from its compressed bytes, which may be followed by others: their length is known in sectors
 * only. Never gives more than `clusterSize` bytes, whatever the bytes expand to.
 */
export function decompress(
  bytes: Buffer,
  clusterSize: number,
  compression: Qcow2Header['compression'],
): Buffer {
  let cluster: Buffer;
  try {
    cluster = compression === 'zstd' ? unzstd(bytes, clusterSize) : inflate(bytes, clusterSize);
  } catch (error) {
    throw corrupt(`a compressed cluster cannot be expanded (${messageOf(error)})`);
  }
  if (cluster.length !== clusterSize) throw corrupt(`a compressed cluster has ${cluster.length} bytes`);
  return cluster;
}

function inflate(bytes: Buffer, clusterSize: number): Buffer {
  return zlib.inflateRawSync(bytes, {
    maxOutputLength: clusterSize,
    // The end of the input is not the end of the stream: no error where the one comes first.
    finishFlush: zlib.constants.Z_SYNC_FLUSH,
  });
}

type Decompress = (bytes: Buffer, options: { maxOutputLength: number }) => Buffer;

/** In zlib since Node 22.15. */
const nodeUnzstd = (zlib as { zstdDecompressSync?: Decompress }).zstdDecompressSync;

export function checkCompression(compression: Qcow2Header['compression']): void {
  if (compression === 'zstd' && !nodeUnzstd) throw unsupported('zstd compression (needs Node 22.15)');
}

function unzstd(bytes: Buffer, clusterSize: number): Buffer {
  if (!nodeUnzstd) throw unsupported('zstd compression (needs Node 22.15)');
  return nodeUnzstd(bytes, { maxOutputLength: clusterSize });
}
