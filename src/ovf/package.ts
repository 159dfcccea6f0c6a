import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { openRaw, type BlockSource } from '../disk/source.js';
import type { PackageProblem } from '../model/envelope.js';
import { GvaError, errnoOf, messageOf } from '../system/errors.js';
import { openArchive } from './package/archive-store.js';
import { digestSource, type DigestAlgorithm } from './digest.js';
import { openBesideDescriptor, openFolder } from './package/folder-store.js';
import { compressionOf, inflate, type Compression } from './package/inflate.js';
import type { Manifest } from './manifest.js';
import { shownName } from './package/member-name.js';
import { isDescriptorName, type MemberStore, type PackageMember } from './package/member-store.js';
import { readFacts, type PackageFacts } from './package/facts.js';
import { defaultLimits, type PackageLimits } from './package/limits.js';
import type { Signature } from './signature.js';

/** An open package. Nothing in it is believed: who wants to know whether it is whole calls `verifyManifest`. */
export interface PackageFiles extends AsyncDisposable {
  readonly path: string;
  readonly kind: 'ova' | 'ovf' | 'folder';
  /** Of the archive as a whole. */
  readonly compression?: Compression;
  readonly descriptorName: string;
  readonly descriptor: Buffer;
  readonly manifest?: Manifest;
  readonly signature: Signature;
  /** All members of an archive. Of a folder those that were asked for: it may be one of downloads. */
  readonly members: ReadonlyMap<string, PackageMember>;
  /** Names in an archive that mean nothing to the package. */
  readonly ignored: readonly string[];
  /** Of the container, the manifest and the signature; the descriptor is not looked into. */
  readonly problems: readonly PackageProblem[];
  readonly limits: PackageLimits;
  /** A member by its exact name. Throws PACKAGE_MEMBER where it is none that may be read. */
  member(name: string): Promise<PackageMember | undefined>;
  /** The bytes of a member, readable until the package is closed; to be closed before. PACKAGE_MEMBER: no member. */
  open(name: string): Promise<BlockSource>;
  /** Lower-case hexadecimal; computed once. */
  digest(name: string, algorithm: DigestAlgorithm, signal?: AbortSignal): Promise<string>;
  close(): Promise<void>;
}

export interface OpenPackageOptions {
  readonly limits?: Partial<PackageLimits> | undefined;
  /**
   * The file that a compressed OVA is expanded into, once: where it is there it is taken for the content. So its name
   * is to hold the digest of the package, or the file is to be new. The caller removes it. Where there is no such
   * option a compressed package is refused.
   */
  readonly expandTo?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens an OVA, also a compressed one (gzip, xz), a descriptor with its files beside it, or a folder with one
 * descriptor. Reads the descriptor, the manifest and the signature, no other member.
 *
 * @throws GvaError PACKAGE_OPEN, PACKAGE_FORMAT, PACKAGE_CORRUPT, PACKAGE_LIMIT, PACKAGE_MEMBER
 */
export async function openPackage(path: string, options: OpenPackageOptions = {}): Promise<PackageFiles> {
  const limits = { ...defaultLimits, ...options.limits };
  const { store, ...origin } = await openStore(path, limits, options);
  try {
    const facts = await readFacts(store, limits);
    return packageOf(store, { path, ...origin, ...facts, limits });
  } catch (error) {
    await store.close();
    throw error;
  }
}

type Origin = Pick<PackageFiles, 'kind' | 'compression'>;

async function openStore(
  path: string,
  limits: PackageLimits,
  options: OpenPackageOptions,
): Promise<Origin & { store: MemberStore }> {
  if ((await statOf(path)).isDirectory()) return { kind: 'folder', store: await openFolder(path) };
  const file = await openRaw(path);
  const compression = await compressionOf(file).catch(async (error: unknown) => {
    await file.close();
    throw error;
  });
  if (compression === undefined && isDescriptorName(path)) {
    await file.close();
    return { kind: 'ovf', store: await openBesideDescriptor(path) };
  }
  const archive = compression === undefined ? file : await expanded(file, compression, path, limits, options);
  try {
    const store = await openArchive(archive, limits);
    return { kind: 'ova', store, ...(compression !== undefined && { compression }) };
  } catch (error) {
    await archive.close();
    throw error;
  }
}

async function statOf(path: string) {
  try {
    return await stat(path);
  } catch (error) {
    const reason = errnoOf(error) === 'ENOENT' ? 'there is no such file' : messageOf(error);
    throw new GvaError('PACKAGE_OPEN', `cannot open the package ${path}: ${reason}`, { cause: error });
  }
}

async function expanded(
  file: BlockSource,
  compression: Compression,
  path: string,
  limits: PackageLimits,
  { expandTo, signal }: OpenPackageOptions,
): Promise<BlockSource> {
  await using source = file;
  if (expandTo === undefined)
    throw new GvaError('PACKAGE_FORMAT', `${path} is compressed with ${compression}`, {
      hint: `Expand it first: ${compression} -d < ${basename(path)} > NEW.ova`,
    });
  const isThere = await stat(expandTo).then(
    () => true,
    () => false,
  );
  if (!isThere) await inflate(source, compression, expandTo, { what: path, limit: limits.inflated, signal });
  return await openRaw(expandTo);
}

function packageOf(
  store: MemberStore,
  facts: PackageFacts & Origin & Pick<PackageFiles, 'path' | 'limits'>,
): PackageFiles {
  const digests = new Map<string, string>();
  const open = async (name: string): Promise<BlockSource> => {
    if ((await store.find(name)) !== undefined) return store.open(name);
    throw new GvaError('PACKAGE_MEMBER', `there is no member "${shownName(name)}"`);
  };
  return {
    ...facts,
    descriptorName: store.descriptorName,
    members: store.members,
    ignored: store.ignored,
    member: (name) => store.find(name),
    open,
    digest: async (name, algorithm, signal) => {
      const key = `${algorithm} ${name}`;
      const known = digests.get(key);
      if (known !== undefined) return known;
      await using source = await open(name);
      const digest = await digestSource(source, algorithm, signal);
      digests.set(key, digest);
      return digest;
    },
    close: () => store.close(),
    [Symbol.asyncDispose]: () => store.close(),
  };
}
