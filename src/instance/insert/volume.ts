import { type FileHandle, copyFile, open, readlink, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from '../../channel/crc32.js';
import { writeIso } from '../../disk/iso9660/index.js';
import type { MediumEntry } from '../../disk/medium-entry.js';
import { GvaError, messageOf } from '../../system/errors.js';
import { listTree } from '../../system/folder-digest.js';

/** Bytes of a sector of a CD; labels are one. */
export const sectorSize = 2048;

/** What is inserted: an ISO 9660 volume, and its sum. */
export interface Volume {
  /** Bytes: whole sectors. */
  readonly size: number;
  readonly crc: number;
}

/**
 * Makes the volume of a folder, or of an ISO image, in a new file.
 *
 * @throws GvaError INSERT_SOURCE where it is neither; whatever keeps its files from being put on a CD
 */
export async function makeVolume(source: string, file: string): Promise<Volume> {
  const info = await stat(source).catch((error: unknown) => {
    throw new GvaError('INSERT_SOURCE', `cannot read ${source}: ${messageOf(error)}`);
  });
  if (info.isDirectory()) await writeIso(file, await entriesOf(source), { volumeId: 'GVA-INSERTED' });
  else {
    await checkIso(source);
    await copyFile(source, file);
  }
  return await padAndSum(file);
}

/** @throws GvaError INSERT_SOURCE where the file is no ISO 9660 volume (ECMA-119, 8.1 and 8.2) */
export async function checkIso(source: string): Promise<void> {
  const id = Buffer.alloc(5);
  try {
    await using file = await open(source, 'r');
    await file.read(id, 0, id.length, 16 * sectorSize + 1);
  } catch (error) {
    throw new GvaError('INSERT_SOURCE', `cannot read ${source}: ${messageOf(error)}`);
  }
  if (id.toString('latin1') === 'CD001') return;
  throw new GvaError('INSERT_SOURCE', `${source} is neither a folder nor an ISO image`, {
    hint: 'A CD is made of a folder: gva insert INSTANCE FOLDER. A file goes in by gva put.',
  });
}

async function entriesOf(folder: string): Promise<MediumEntry[]> {
  const entries: MediumEntry[] = [];
  for (const { path, stat: info } of await listTree(folder)) {
    const mode = info.mode & 0o777;
    if (info.isDirectory()) entries.push({ kind: 'directory', path, mode });
    else if (info.isSymbolicLink())
      entries.push({ kind: 'symlink', path, target: await readlink(join(folder, path)) });
    else
      entries.push({
        ...{ kind: 'file', path, mode },
        content: { source: join(folder, path), size: info.size },
      });
  }
  return entries;
}

async function padAndSum(path: string): Promise<Volume> {
  await using file = await open(path, 'r+');
  const { size: found } = await file.stat();
  const size = Math.ceil(found / sectorSize) * sectorSize;
  await file.truncate(size);
  let crc = 0;
  for await (const piece of piecesOf(file, size)) crc = crc32(piece, 0, piece.length, crc);
  return { size, crc };
}

const pieceSize = 1 << 20;

/** What is in the file, piece by piece; each is valid until the next one. */
export async function* piecesOf(file: FileHandle, size: number): AsyncGenerator<Buffer> {
  const buffer = Buffer.alloc(Math.min(pieceSize, size));
  for (let at = 0; at < size;) {
    const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, size - at), at);
    if (bytesRead === 0) throw new GvaError('INSERT_SOURCE', 'the volume became shorter while it was read');
    yield buffer.subarray(0, bytesRead);
    at += bytesRead;
  }
}

/** What stands in the last sector of a medium when it is all there (docs/guest-contract.md, "Media that come later"). */
export function mediumLabel(number: number, { size, crc }: Volume): Buffer {
  const label = Buffer.alloc(sectorSize);
  label.write('GVA-INSERTED 1\n', 'latin1');
  label.writeBigUInt64LE(BigInt(number), 16);
  label.writeBigUInt64LE(BigInt(size), 24);
  label.writeUInt32LE(crc, 32);
  label.writeUInt32LE(crc32(label, 0, 36), 36);
  return label;
}

/** What is there when it is to be let go. */
export const noLabel = () => Buffer.alloc(sectorSize);
