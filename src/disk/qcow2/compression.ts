import { constants, inflateRawSync } from 'node:zlib';
import { messageOf } from '../../system/errors.js';
import { corrupt } from './header.js';

/**
 * One cluster from its compressed bytes, which may be followed by others: their length is known in sectors
 * only. Never gives more than `clusterSize` bytes, whatever the bytes expand to.
 */
export function decompress(bytes: Buffer, clusterSize: number): Buffer {
  let cluster: Buffer;
  try {
    // The end of the input is not the end of the stream: no error where the one comes first.
    cluster = inflateRawSync(bytes, { maxOutputLength: clusterSize, finishFlush: constants.Z_SYNC_FLUSH });
  } catch (error) {
    throw corrupt(`a compressed cluster cannot be expanded (${messageOf(error)})`);
  }
  if (cluster.length !== clusterSize) throw corrupt(`a compressed cluster has ${cluster.length} bytes`);
  return cluster;
}
