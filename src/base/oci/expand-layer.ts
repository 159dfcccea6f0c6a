import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { GvaError, fullDiskErrno, messageOf } from '../../system/errors.js';
import { digestFile } from '../../system/files.js';
import { findProgram, toolEnvironment, toolMissing, whenStarted } from '../../system/process.js';
import { ociLayerError } from './errors.js';
import type { OciLayer } from './layout.js';

/**
 * Writes a layer as a tar archive that is not compressed, both of its digests verified.
 *
 * @param target a new file
 * @param most bytes that it may have
 * @returns bytes that it has
 * @throws GvaError OCI_LAYER, TOOL_MISSING
 */
export async function expandLayer(
  layer: OciLayer,
  target: string,
  most: number,
  signal?: AbortSignal,
): Promise<number> {
  const short = layer.digest.slice('sha256:'.length, 'sha256:'.length + 12);
  const info = await stat(layer.file).catch(() => undefined);
  if (!info?.isFile()) throw ociLayerError(`the layer ${short} is not there`);
  // What is not what it should be is not even given to a program that expands it.
  if (info.size !== layer.size || `sha256:${await digestFile(layer.file)}` !== layer.digest)
    throw ociLayerError(`the layer ${short} has not the digest that it should have`);
  const hash = createHash('sha256');
  let bytes = 0;
  const measured = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      hash.update(chunk);
      if (bytes > most) done(ociLayerError(`the layer ${short} would take more than ${most} bytes`));
      else done(null, chunk);
    },
  });
  const output = createWriteStream(target, { flags: 'wx' });
  await expand(layer, measured, output, signal).catch((error: unknown) => {
    signal?.throwIfAborted();
    if (fullDiskErrno(error) !== undefined || error instanceof GvaError) throw error;
    throw ociLayerError(`the layer ${short} cannot be expanded: ${messageOf(error)}`);
  });
  if (`sha256:${hash.digest('hex')}` !== layer.diffId)
    throw ociLayerError(`the layer ${short} is not what the image's configuration says`);
  return bytes;
}

async function expand(
  layer: OciLayer,
  measured: Transform,
  output: NodeJS.WritableStream,
  signal: AbortSignal | undefined,
): Promise<void> {
  const options = signal ? { signal } : {};
  switch (await compressionOf(layer)) {
    case 'none':
      return pipeline(createReadStream(layer.file), measured, output, options);
    case 'gzip':
      return pipeline(createReadStream(layer.file), createGunzip(), measured, output, options);
    case 'zstd':
      return expandZstd(layer.file, measured, output, options);
  }
}

/** Its bytes decide: what tools say of them is not always so. */
async function compressionOf({ file, mediaType }: OciLayer): Promise<'none' | 'gzip' | 'zstd'> {
  if (!/\btar([.+](gzip|zstd))?$/.test(mediaType))
    throw ociLayerError(`a layer is of the unknown type ${mediaType}`);
  const handle = await open(file, 'r');
  try {
    const { buffer } = await handle.read(Buffer.alloc(4), 0, 4, 0);
    if (buffer.readUInt16BE(0) === 0x1f8b) return 'gzip';
    return buffer.readUInt32BE(0) === 0x28b52ffd ? 'zstd' : 'none';
  } finally {
    await handle.close();
  }
}

async function expandZstd(
  file: string,
  measured: Transform,
  output: NodeJS.WritableStream,
  options: { signal?: AbortSignal },
): Promise<void> {
  const zstd = await findProgram('zstd');
  if (zstd === undefined) throw toolMissing('zstd');
  const handle = await open(file, 'r');
  try {
    // 128 MiB of memory at most, which is what zstd itself takes without being asked.
    const child = await whenStarted(
      spawn(zstd, ['-q', '-dc', '--long=27'], {
        stdio: [handle.fd, 'pipe', 'ignore'],
        env: toolEnvironment(),
      }),
    );
    const ended = new Promise<number | null>((resolve, reject) =>
      child.once('error', reject).once('close', resolve),
    );
    const stdout: unknown = child.stdout;
    if (!(stdout instanceof Readable)) throw new Error('a pipe that is none');
    await pipeline(stdout, measured, output, options).catch((error: unknown) => {
      child.kill('SIGKILL');
      throw error;
    });
    if ((await ended) !== 0) throw new Error('its compression is damaged');
  } finally {
    await handle.close();
  }
}
