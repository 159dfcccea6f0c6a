import { printable } from '../../disk/findings.js';
import type { BlockSource } from '../../disk/source.js';
import { GvaError } from '../../system/errors.js';
import { isLitter, memberRefused, nameFault, normalName, shownName } from '../package/member-name.js';
import { limitError, type PackageLimits } from '../package/limits.js';
import { parsePax, type PaxRecords } from './pax.js';
import { parseTarHeader, TAR_BLOCK, tarCorrupt, untilNul, type TarHeader } from './header.js';

/** A regular file in an archive, all in bytes. */
export interface TarMember {
  readonly name: string;
  /** Where its content begins. */
  readonly offset: number;
  readonly size: number;
}

export interface TarIndex {
  /** In the order of the archive. */
  readonly members: ReadonlyMap<string, TarMember>;
  /** Names of folders, and of what Apple's tools leave. */
  readonly ignored: readonly string[];
}

/** Bytes of a long name, and of the pax records of one member, that are accepted. */
const LONGEST = { name: 4096, pax: 1 << 20 } as const;

/**
 * Finds the members of a tar archive by going from header to header: contents are never read. Takes v7, ustar, GNU
 * long names, pax (path and size), base-256 sizes, and an end that is not padded. Members are regular files only.
 *
 * @throws GvaError PACKAGE_FORMAT, PACKAGE_CORRUPT, PACKAGE_LIMIT; PACKAGE_MEMBER for links, devices, sparse files,
 *   duplicates and names that lead elsewhere
 */
export async function indexTar(
  archive: BlockSource,
  { members: most }: Pick<PackageLimits, 'members'>,
): Promise<TarIndex> {
  const members = new Map<string, TarMember>();
  const ignored: string[] = [];
  for await (const entry of entriesOf(archive, most)) {
    const { name, kind, size } = entry;
    if (members.size + ignored.length >= most)
      throw limitError('members', `there are more than ${most} members`);
    if (kind === 'directory' || isLitter(name)) ignored.push(name);
    else if (members.has(name)) throw memberRefused(name, 'there are two of this name');
    else members.set(name, { name, offset: entry.offset, size });
  }
  return { members, ignored };
}

interface TarEntry extends TarMember {
  readonly kind: 'file' | 'directory';
}

/** Files and folders, each with what extended headers before it say of it. */
async function* entriesOf(archive: BlockSource, most: number): AsyncGenerator<TarEntry> {
  let extended: PaxRecords = {};
  // Headers that make no member are counted, too: a file of nothing else would keep us busy for long.
  let headers = 0;
  for (let at = 0; ; headers += 1) {
    const header = await headerAt(archive, at);
    if (header === undefined) return;
    if (headers > 4 * most) throw limitError('members', `there are more than ${4 * most} headers`);
    const offset = at + TAR_BLOCK;
    const isExtension = EXTENSIONS.has(header.type);
    const size = isExtension ? header.size : (extended.size ?? header.size);
    checkInside(archive, header, { offset, size });
    if (isExtension) extended = { ...extended, ...(await readExtension(archive, header, offset)) };
    else {
      yield entryOf(header, { ...extended, size }, offset);
      extended = {};
    }
    at = offset + Math.ceil(size / TAR_BLOCK) * TAR_BLOCK;
  }
}

/** Undefined at the end: a block of zeros, or no more bytes. */
async function headerAt(archive: BlockSource, at: number): Promise<TarHeader | undefined> {
  const length = Math.min(TAR_BLOCK, archive.size - at);
  const block = length > 0 ? await archive.read(at, length) : undefined;
  const isEnd = block?.every((byte) => byte === 0) ?? true;
  if (at === 0 && (isEnd || length < TAR_BLOCK)) throw notTar();
  if (block === undefined || isEnd) return undefined;
  if (length < TAR_BLOCK) throw tarCorrupt(`it is cut off at byte ${archive.size}, within a header`);
  try {
    return parseTarHeader(block, at);
  } catch (error) {
    throw at === 0 ? notTar(error) : error;
  }
}

function notTar(cause?: unknown): GvaError {
  return new GvaError('PACKAGE_FORMAT', 'this is no OVA: it does not begin as a tar archive', { cause });
}

function checkInside(
  archive: BlockSource,
  { name }: TarHeader,
  { offset, size }: { offset: number; size: number },
): void {
  if (size <= archive.size - offset) return;
  const member = printable(name.subarray(0, 100));
  throw tarCorrupt(`"${member}" has ${size} bytes from byte ${offset} on, the file ends at ${archive.size}`);
}

/** GNU's long name (L) and long link (K), pax for one member (x, Solaris X) and for all that follow (g). */
const EXTENSIONS = new Set(['L', 'K', 'x', 'X', 'g']);

/** What an extended header says of the next member. What pax says of all that follow is not believed. */
async function readExtension(
  archive: BlockSource,
  { type, size }: TarHeader,
  offset: number,
): Promise<PaxRecords> {
  if (type === 'g' || type === 'K') return {};
  if (size > (type === 'L' ? LONGEST.name : LONGEST.pax))
    throw tarCorrupt(`the extended header at byte ${offset} has ${size} bytes`);
  const content = await archive.read(offset, size);
  return type === 'L' ? { path: untilNul(content) } : parsePax(content, offset);
}

/** Types of headers that are neither files nor folders (POSIX.1-2017, pax; GNU tar manual, "Basic Tar Format"). */
const REFUSED: Readonly<Record<string, string>> = {
  '1': 'it is a hard link',
  '2': 'it is a symbolic link',
  '3': 'it is a character device',
  '4': 'it is a block device',
  '6': 'it is a named pipe',
  D: 'it is a listing of an incremental backup',
  M: 'it goes on in another archive',
  S: 'it is stored as a sparse file',
  V: 'it is the label of a volume',
};

function entryOf(header: TarHeader, extended: PaxRecords & { size: number }, offset: number): TarEntry {
  const bytes = extended.path ?? header.name;
  const name = nameOf(bytes);
  const { size } = extended;
  if (extended.sparse === true) throw memberRefused(name, 'it is stored as a sparse file');
  // Old archives have no type for folders, but a slash at the end.
  if (header.type === '5' || (bytes.at(-1) === SLASH && FILES.has(header.type))) {
    if (size !== 0) throw memberRefused(name, 'it is a folder with content');
    return { kind: 'directory', name: name === '' ? '.' : name, offset, size };
  }
  if (name === '') throw memberRefused(name, 'it has no name');
  if (!FILES.has(header.type))
    throw memberRefused(
      name,
      REFUSED[header.type] ?? `it is of the unknown type "${shownName(header.type)}"`,
    );
  return { kind: 'file', name, offset, size };
}

/** Regular files, and those that are to lie in one piece. */
const FILES = new Set(['0', '7']);
const SLASH = 0x2f;

/** Empty for the archive's root. */
function nameOf(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  if (!Buffer.from(text).equals(bytes))
    throw memberRefused(bytes.toString('latin1'), 'its name is not UTF-8');
  const name = normalName(text);
  const fault = name === '' ? undefined : nameFault(name);
  if (fault !== undefined) throw memberRefused(text, fault);
  return name;
}
