import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { tarChecksum } from '../../src/ovf/tar/header.js';
import { requireTool } from './tools.js';

/** A member of a layer; a file of root's where nothing else is said. */
export interface LayerMember {
  readonly path: string;
  /** `0` a file, `1` a hard link, `2` a symbolic link, `3` a device, `5` a folder. */
  readonly type?: string;
  readonly content?: string | Buffer;
  readonly mode?: number;
  readonly owner?: readonly [uid: number, gid: number];
  readonly target?: string;
  readonly xattrs?: Readonly<Record<string, string>>;
}

/** A tar archive in pax format, as Go's archive/tar writes it: the one of skopeo and buildah. */
export function tarOf(members: readonly LayerMember[]): Buffer {
  return Buffer.concat([...members.flatMap(memberBlocks), Buffer.alloc(1024)]);
}

function memberBlocks(member: LayerMember): Buffer[] {
  const { path, type = '0', content = '', mode = 0o644, owner = [0, 0], target = '', xattrs = {} } = member;
  const bytes = Buffer.from(content);
  const records = [
    ...(Buffer.byteLength(path) > 99 ? [record('path', path)] : []),
    ...(Buffer.byteLength(target) > 99 ? [record('linkpath', target)] : []),
    ...Object.entries(xattrs).map(([name, value]) => record(`SCHILY.xattr.${name}`, value)),
  ];
  const pax = Buffer.from(records.join(''));
  const fields = { path, type, size: bytes.length, mode, owner, target };
  return [
    ...(pax.length > 0 ? [header({ ...fields, path: 'pax', type: 'x', size: pax.length }), padded(pax)] : []),
    header(fields),
    padded(bytes),
  ];
}

function record(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  let length = Buffer.byteLength(rest);
  while (length !== Buffer.byteLength(rest) + String(length).length)
    length = Buffer.byteLength(rest) + String(length).length;
  return `${length}${rest}`;
}

function header(fields: {
  path: string;
  type: string;
  size: number;
  mode: number;
  owner: readonly [number, number];
  target: string;
}): Buffer {
  const { path, type, size, mode, owner, target } = fields;
  const block = Buffer.alloc(512);
  const octal = (value: number, digits: number) => value.toString(8).padStart(digits, '0');
  const put = (text: string, at: number, most: number) => Buffer.from(text).subarray(0, most).copy(block, at);
  put(path, 0, 99);
  put(octal(mode, 7), 100, 8);
  put(octal(owner[0], 7), 108, 8);
  put(octal(owner[1], 7), 116, 8);
  put(octal(size, 11), 124, 12);
  put(octal(0, 11), 136, 12);
  put(type, 156, 1);
  put(target, 157, 99);
  put('ustar\x0000', 257, 8);
  put(`${octal(tarChecksum(block), 6)}\0 `, 148, 8);
  return block;
}

const padded = (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);

export type Compression = 'none' | 'gzip' | 'zstd';

export interface LayoutOptions {
  readonly layers: readonly { readonly tar: Buffer; readonly compression?: Compression }[];
  /** `config` of the image's configuration: Env, Entrypoint, ... */
  readonly config?: object;
  readonly architecture?: string;
  readonly tag?: string;
  /** Changes what is about to be written, to make it hostile. */
  readonly spoil?: (parts: {
    manifest: Manifest;
    config: Configuration;
    index: { manifests: object[] };
  }) => void;
}

interface Manifest {
  config: unknown;
  layers: { mediaType: string; digest: string; size: number }[];
}
interface Configuration {
  architecture: string;
  rootfs: { type: string; diff_ids: string[] };
}

/** Writes an OCI image layout of one image into a new folder, and gives that. */
export async function writeLayout(folder: string, options: LayoutOptions): Promise<string> {
  const { layers, architecture = 'amd64', tag, spoil = () => undefined } = options;
  await mkdir(join(folder, 'blobs/sha256'), { recursive: true });
  const blob = async (bytes: Buffer, mediaType: string) => {
    const digest = sha256(bytes);
    await writeFile(join(folder, 'blobs/sha256', digest.slice(7)), bytes);
    return { mediaType: `application/vnd.oci.image.${mediaType}`, digest, size: bytes.length };
  };
  const json = (value: object, mediaType: string) => blob(Buffer.from(JSON.stringify(value)), mediaType);
  const config: Configuration = {
    ...{ architecture, os: 'linux', config: options.config },
    rootfs: { type: 'layers', diff_ids: layers.map(({ tar }) => sha256(tar)) },
  };
  const manifest: Manifest & { schemaVersion: 2 } = { schemaVersion: 2, config: undefined, layers: [] };
  for (const { tar, compression = 'gzip' } of layers) {
    const suffix = compression === 'none' ? '' : `+${compression}`;
    manifest.layers.push(await blob(compress(tar, compression), `layer.v1.tar${suffix}`));
  }
  const index = { schemaVersion: 2, manifests: [] as object[] };
  spoil({ manifest, config, index });
  manifest.config = await json(config, 'config.v1+json');
  const annotations = tag === undefined ? {} : { annotations: { 'org.opencontainers.image.ref.name': tag } };
  index.manifests.push({ ...(await json(manifest, 'manifest.v1+json')), ...annotations });
  await writeFile(join(folder, 'index.json'), JSON.stringify(index));
  await writeFile(join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  return folder;
}

function compress(tar: Buffer, compression: Compression): Buffer {
  if (compression === 'none') return tar;
  if (compression === 'gzip') return gzipSync(tar);
  return execFileSync(requireTool('zstd'), ['-q', '-c'], { input: tar, maxBuffer: 1 << 28 });
}

const sha256 = (bytes: Buffer) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
