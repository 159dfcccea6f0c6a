import { openRaw, type BlockSource } from '../disk/source.js';
import type { EnvelopeFile, PackageProblem } from '../model/envelope.js';
import { GvaError } from '../system/errors.js';
import { concatenated } from './package/block-sources.js';
import { inflate } from './package/inflate.js';
import { nameFault, normalName, shownName } from './package/member-name.js';
import type { PackageFiles } from './package.js';
import { limitError } from './package/limits.js';

/** Where a file of References is stored (DSP0243 1.1.0, 7.1). */
export type Reference = Pick<EnvelopeFile, 'href' | 'compression' | 'chunkSize' | 'size'>;

/** The members that are a file of References. */
export interface StoredFile {
  /** One, or the pieces in their order. */
  readonly names: readonly string[];
  /** Bytes of them all, as they are stored. */
  readonly size: number;
}

/**
 * Finds the members of a file of References. Nothing is ever fetched from elsewhere.
 *
 * @throws GvaError PACKAGE_HREF for what is no name of a member, for one that is missing, and for pieces that are
 *   missing or have the wrong size
 */
export async function findReference(pkg: PackageFiles, file: Reference): Promise<StoredFile> {
  const name = nameOfHref(file.href);
  const whole = await pkg.member(name);
  // Some producers announce pieces of a file that is smaller than one, and store it whole.
  if (whole !== undefined) return { names: [name], size: whole.size };
  if (file.chunkSize === undefined) throw hrefRefused(file.href, 'the package has no such member');
  return findPieces(pkg, name, { ...file, chunkSize: file.chunkSize });
}

function nameOfHref(href: string): string {
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(href)?.[1];
  if (scheme !== undefined) throw hrefRefused(href, `it is a URL (${scheme}:), and nothing is fetched`);
  const name = normalName(href);
  const fault = nameFault(name);
  if (fault !== undefined) throw hrefRefused(href, fault);
  return name;
}

function hrefRefused(href: string, reason: string): GvaError {
  return new GvaError('PACKAGE_HREF', `the file "${shownName(href)}" cannot be used: ${reason}`);
}

const pieceName = (name: string, index: number) => `${name}.${String(index).padStart(9, '0')}`;

async function findPieces(
  pkg: PackageFiles,
  name: string,
  { href, chunkSize, size }: Reference & { chunkSize: number },
): Promise<StoredFile> {
  if (!Number.isSafeInteger(chunkSize) || chunkSize <= 0)
    throw hrefRefused(href, `pieces of ${chunkSize} bytes cannot be`);
  const sizes: number[] = [];
  for (;;) {
    const piece = await pkg.member(pieceName(name, sizes.length));
    if (piece === undefined) break;
    if (sizes.length >= pkg.limits.members)
      throw limitError('members', `the file "${shownName(href)}" has more than ${pkg.limits.members} pieces`);
    sizes.push(piece.size);
  }
  const names = sizes.map((_, index) => pieceName(name, index));
  if (sizes.length === 0) throw hrefRefused(href, 'the package has neither it nor pieces of it');
  await refuseGap(pkg, name, href, sizes.length);
  sizes.forEach((each, index) => {
    const isRight = index < sizes.length - 1 ? each === chunkSize : each > 0 && each <= chunkSize;
    if (!isRight) throw hrefRefused(href, `piece ${index} has ${each} bytes, pieces have ${chunkSize}`);
  });
  const total = sizes.reduce((sum, each) => sum + each, 0);
  if (size !== undefined && size !== total)
    throw hrefRefused(href, `its pieces have ${total} bytes in sum, the descriptor says ${size}`);
  return { names, size: total };
}

/** Of an archive all pieces are known, of a folder the next is asked for. */
async function refuseGap(pkg: PackageFiles, name: string, href: string, count: number): Promise<void> {
  const isPiece = (member: string) =>
    member.startsWith(`${name}.`) && /^\d{9}$/.test(member.slice(name.length + 1));
  const all = [...pkg.members.keys()].filter(isPiece).length;
  if (all === count && (await pkg.member(pieceName(name, count + 1))) === undefined) return;
  throw hrefRefused(href, `piece ${count} is missing`);
}

export interface OpenReferenceOptions {
  /**
   * The file that a compressed one is expanded into, once: where it is there it is taken for the content. So its name
   * is to hold the digest of what is stored, or the file is to be new. The caller removes it.
   */
  readonly expandTo: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The bytes of a file of References, without its pieces and its compression. To be closed before the package.
 *
 * @throws GvaError as by `findReference`; PACKAGE_LIMIT, PACKAGE_CORRUPT where it cannot be expanded
 */
export async function openReference(
  pkg: PackageFiles,
  file: Reference,
  { expandTo, signal }: OpenReferenceOptions,
): Promise<BlockSource> {
  const stored = await findReference(pkg, file);
  if (file.compression === 'identity') return openStored(pkg, stored);
  const before = await openRaw(expandTo).catch(() => undefined);
  if (before !== undefined) return before;
  await using source = await openStored(pkg, stored);
  const what = `the file "${shownName(file.href)}"`;
  await inflate(source, 'gzip', expandTo, { what, limit: pkg.limits.inflated, signal });
  return await openRaw(expandTo);
}

async function openStored(pkg: PackageFiles, { names }: StoredFile): Promise<BlockSource> {
  const parts: BlockSource[] = [];
  try {
    for (const name of names) parts.push(await pkg.open(name));
    return concatenated(parts);
  } catch (error) {
    await Promise.all(parts.map((part) => part.close()));
    throw error;
  }
}

/**
 * Looks for all files of References: names of the members that they are, for `verifyManifest`, and what is wrong with
 * them. A size other than announced is a warning: many producers announce what was before compression, or nothing.
 */
export async function checkReferences(
  pkg: PackageFiles,
  files: readonly Reference[],
): Promise<{ names: string[]; problems: PackageProblem[] }> {
  const names: string[] = [];
  const problems: PackageProblem[] = [];
  for (const file of files) {
    try {
      const stored = await findReference(pkg, file);
      names.push(...stored.names);
      if (file.size !== undefined && file.size !== stored.size) {
        const message = `it has ${stored.size} bytes, the descriptor says ${file.size}`;
        problems.push({ severity: 'warning', place: stored.names[0] ?? file.href, message });
      }
    } catch (error) {
      if (!(error instanceof GvaError)) throw error;
      problems.push({ severity: 'error', place: pkg.descriptorName, message: error.message });
    }
  }
  return { names, problems };
}
