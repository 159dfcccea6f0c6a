import { chmod, open, statfs } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { BaseFile, BaseManifest, PortableDisk } from '../../model/base.js';
import { ensureFolder, syncPath, writeFileAtomically } from '../../system/files.js';
import { baseFiles } from '../../system/paths.js';
import { isBaseName, parseBaseManifest } from '../base-manifest.js';
import { inBuildFolder, whileOnlyBuilder } from '../build-folder.js';
import { baseDigest, installBase } from '../store.js';
import { verifyFiles } from '../verify.js';
import { ArchiveReader } from './read.js';
import { type DataRange, PIECE } from './sparse-map.js';
import { archivedFiles } from './write.js';

/**
 * Makes the base of an archive that `exportBase()` wrote the current one of its name. Every byte is checked against its
 * digests before anything is to be seen of it.
 *
 * @param name that it is to have here; its own where absent
 * @throws GvaError IMPORT_REFUSED, IMPORT_READ, HOST_FULL, TOOL_MISSING
 */
export async function importBase(
  file: string,
  name: string | undefined,
  say: (step: string) => void,
  signal: AbortSignal,
): Promise<BaseManifest> {
  await using archive = await ArchiveReader.open(file);
  const said = await manifestOf(archive);
  const imported = { file: basename(file), at: new Date().toISOString() };
  const manifest: BaseManifest = { ...said, name: name ?? said.name, imported };
  return await whileOnlyBuilder(manifest.name, say, signal, () =>
    inBuildFolder(manifest.name, async (work) => {
      const folder = await ensureFolder(join(work, 'base'));
      await unpack(archive, manifest, folder, signal);
      say('checking its digests');
      const problems = await verifyFiles({ ...manifest, folder }, signal);
      if (problems.length > 0) throw archive.refused(problems.join('; '));
      const text = `${JSON.stringify(manifest, null, 2)}\n`;
      await writeFileAtomically(join(folder, baseFiles.manifest), text);
      await installBase(folder, manifest);
      return manifest;
    }),
  );
}

/** What it says of itself, as far as anything here depends on it. */
async function manifestOf(archive: ArchiveReader): Promise<BaseManifest> {
  const text = await archive.text(baseFiles.manifest);
  let manifest: BaseManifest;
  try {
    manifest = parseBaseManifest(text, '');
  } catch {
    throw archive.refused('its base.json cannot be read by this version');
  }
  const { files, digest, name } = manifest;
  const named = Object.entries(files).every(
    ([role, { name: file }]: [string, BaseFile]) => file === knownFiles.get(role),
  );
  if (!isBaseName(name) || !named) throw archive.refused('its base.json names other files than a base has');
  if (files.root && files.disk && !hasRoom(files.disk, files.root))
    throw archive.refused('its base.json has a disk without room for the root');
  if (baseDigest(files) !== digest) throw archive.refused('its digest is not that of its files');
  return manifest;
}

const knownFiles = new Map<string, string>(Object.entries(baseFiles));

const hasRoom = ({ rootOffset, size }: PortableDisk, root: BaseFile): boolean =>
  Number.isSafeInteger(rootOffset) && rootOffset >= 0 && rootOffset + root.size <= size;

async function unpack(
  archive: ArchiveReader,
  manifest: BaseManifest,
  folder: string,
  signal: AbortSignal,
): Promise<void> {
  for (const { file, leaveOut } of archivedFiles(manifest)) {
    signal.throwIfAborted();
    const { bavail, bsize } = await statfs(folder);
    const path = join(folder, file.name);
    await archive.sparseFile(file, path, bavail * bsize);
    if (leaveOut) await copyInto(path, leaveOut, join(folder, baseFiles.root));
    await chmod(path, 0o444);
    await syncPath(path);
  }
  await archive.end();
}

/** Puts one file into a stretch of another, where there is nothing yet; what is all zeros stays a hole. */
async function copyInto(target: string, { offset, length }: DataRange, source: string): Promise<void> {
  await using from = await open(source, 'r');
  await using to = await open(target, 'r+');
  const zeros = Buffer.alloc(PIECE);
  const buffer = Buffer.allocUnsafe(PIECE);
  for (let at = 0; at < length; at += PIECE) {
    const { bytesRead } = await from.read(buffer, 0, Math.min(PIECE, length - at), at);
    const piece = buffer.subarray(0, bytesRead);
    if (!piece.equals(zeros.subarray(0, bytesRead))) await to.write(piece, 0, bytesRead, offset + at);
  }
}
