import { join } from 'node:path';
import type { z } from 'zod';
import { openRaw } from '../../disk/source.js';
import { GvaError } from '../../system/errors.js';
import { digestText } from '../../system/files.js';
import { ociLayoutError } from './errors.js';
import { type Descriptor, type ImageConfig, configSchema, indexSchema, manifestSchema } from './schema.js';

/** An image in an OCI image layout. */
export interface OciImage {
  /** Of the layout. */
  readonly folder: string;
  /** Of its manifest, `sha256:...`: the identity of the image. */
  readonly digest: string;
  readonly config: ImageConfig;
  /** From the lowest to the uppermost. */
  readonly layers: readonly OciLayer[];
}

export interface OciLayer {
  /** The blob. */
  readonly file: string;
  readonly mediaType: string;
  /** Of the blob, and of the archive that it is when it is expanded; `sha256:...`. */
  readonly digest: string;
  readonly diffId: string;
  /** Bytes of the blob. */
  readonly size: number;
}

/** Bytes of a JSON document. */
const longest = 4 << 20;

/** Platform of the machines that GVA starts of such images. */
const platform = { os: 'linux', architecture: 'amd64' };

const refName = 'org.opencontainers.image.ref.name';
const isIndex = ({ mediaType }: Descriptor) =>
  /\.image\.index\.v1\+json$|\.manifest\.list\.v2\+json$/.test(mediaType);
const isManifest = ({ mediaType }: Descriptor) => /\.(image\.)?manifest\.v[12]\+json$/.test(mediaType);

/**
 * Finds an image in a layout, digests verified; layers are not read yet.
 *
 * @param tag its name there; undefined where there is only one image
 * @throws GvaError OCI_LAYOUT
 */
export async function openLayout(folder: string, tag?: string): Promise<OciImage> {
  await checkVersion(folder);
  const index = parse(folder, 'index.json', await readText(folder, 'index.json'), indexSchema);
  const manifest = await chooseManifest(folder, chooseTag(folder, index.manifests, tag));
  const { config: described, layers } = await readBlob(folder, manifest, manifestSchema);
  const config = await readBlob(folder, described, configSchema);
  checkPlatform(folder, config);
  const ids = config.rootfs.diff_ids;
  if (ids.length !== layers.length)
    throw ociLayoutError(folder, `its configuration knows ${ids.length} layers, and it has ${layers.length}`);
  return {
    ...{ folder, digest: manifest.digest, config },
    layers: layers.map(({ mediaType, digest, size }, number) => ({
      ...{ file: blobFile(folder, digest), mediaType, digest, size },
      diffId: ids[number] ?? '',
    })),
  };
}

async function checkVersion(folder: string): Promise<void> {
  const text = await readText(folder, 'oci-layout');
  if (/"imageLayoutVersion"\s*:\s*"1\./.test(text)) return;
  throw ociLayoutError(folder, 'its oci-layout is not of version 1');
}

function chooseTag(folder: string, manifests: readonly Descriptor[], tag: string | undefined): Descriptor[] {
  if (tag === undefined) return [...manifests];
  const found = manifests.filter(({ annotations }) => annotations?.[refName] === tag);
  if (found.length > 0) return found;
  throw ociLayoutError(folder, `it has no image ${JSON.stringify(tag)}`, tagsHint(manifests));
}

function tagsHint(manifests: readonly Descriptor[]): string {
  const tags = manifests.flatMap(({ annotations }) => annotations?.[refName] ?? []);
  return tags.length === 0 ? 'Its images have no names.' : `It has: ${[...new Set(tags)].join(', ')}.`;
}

/** The one manifest for our platform; an index in an index is one of one image for several platforms. */
async function chooseManifest(folder: string, found: readonly Descriptor[]): Promise<Descriptor> {
  const all: Descriptor[] = [];
  for (const each of found) {
    if (isManifest(each)) all.push(each);
    if (isIndex(each)) all.push(...(await readBlob(folder, each, indexSchema)).manifests.filter(isManifest));
  }
  const fitting = all.filter(
    (each) =>
      !each.platform ||
      (each.platform.os === platform.os && each.platform.architecture === platform.architecture),
  );
  const digests = new Set(fitting.map(({ digest }) => digest));
  const [manifest] = fitting;
  if (manifest && digests.size === 1) return manifest;
  if (manifest)
    throw ociLayoutError(folder, 'it has several images', `Name one: oci:DIR:NAME. ${tagsHint(found)}`);
  const others = all.flatMap((each) =>
    each.platform ? [`${each.platform.os}/${each.platform.architecture}`] : [],
  );
  const platforms = others.length === 0 ? 'it has no image' : `its images are for ${others.join(', ')}`;
  throw ociLayoutError(folder, `${platforms}; one for ${platform.os}/${platform.architecture} is needed`);
}

function checkPlatform(folder: string, { os, architecture }: ImageConfig): void {
  if (os === platform.os && architecture === platform.architecture) return;
  throw ociLayoutError(folder, `its image is for ${os}/${architecture}; one for linux/amd64 is needed`);
}

const blobFile = (folder: string, digest: string) =>
  join(folder, 'blobs/sha256', digest.slice('sha256:'.length));

async function readBlob<T extends z.ZodType>(
  folder: string,
  descriptor: Descriptor,
  schema: T,
): Promise<z.output<T>> {
  const { digest, size } = descriptor;
  const name = `blobs/sha256/${digest.slice('sha256:'.length)}`;
  const text = await readText(folder, name);
  if (Buffer.byteLength(text) !== size || `sha256:${digestText(text)}` !== digest)
    throw ociLayoutError(folder, `${name} has not the digest that it should have`);
  return parse(folder, name, text, schema);
}

async function readText(folder: string, name: string): Promise<string> {
  try {
    await using source = await openRaw(join(folder, name));
    if (source.size > longest) throw ociLayoutError(folder, `${name} is too long`);
    return (await source.read(0, source.size)).toString();
  } catch (error) {
    if (!(error instanceof GvaError) || error.code !== 'IMAGE_OPEN') throw error;
    throw ociLayoutError(folder, `it has no ${name}`);
  }
}

function parse<T extends z.ZodType>(folder: string, name: string, text: string, schema: T): z.output<T> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw ociLayoutError(folder, `${name} is no JSON`);
  }
  const checked = schema.safeParse(value);
  if (checked.success) return checked.data;
  const [issue] = checked.error.issues;
  throw ociLayoutError(folder, `${name}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
}
