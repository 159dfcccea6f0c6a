import { readFileSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type BaseManifest, filesOf } from '../../model/base.js';
import { errnoOf, messageOf } from '../../system/errors.js';
import { baseFiles, baseFolder, basesFolder, currentBase } from '../../system/paths.js';
import { isBaseName, isDigestFolder, parseBaseManifest } from '../base-manifest.js';

// At once, not one after another: of ten thousand bases this takes a fifth of the time.

/** A base as it was found in its folder. */
export interface FoundBase {
  readonly name: string;
  /** The name of its folder: the first 16 digits of its digest. */
  readonly mark: string;
  /** It is the one that its name stands for. */
  readonly current: boolean;
  /** Bytes on the disk. */
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly builtAt: number;
  /** Undefined where it cannot be used; then `problem` says why. */
  readonly manifest?: BaseManifest;
  readonly problem?: string;
}

/** Milliseconds within which a folder may change twice and have the same time. */
const young = 2000;

/**
 * Changes whenever a base was made, imported or removed by GVA, and when a folder of bases came or went: all that makes or
 * removes bases works in their common folder. Empty where it may yet change without showing.
 */
export function quickStamp(): string {
  return stampOf(basesFolder());
}

/** Name of each folder of bases to what changes with what is in it. */
export function nameStamps(): Map<string, string> {
  const names = readFolder(basesFolder()).filter(isBaseName);
  return new Map(names.map((name) => [name, stampOf(baseFolder(name))]));
}

function stampOf(folder: string): string {
  try {
    const { mtimeMs, mtimeNs } = statSync(folder, { bigint: true });
    return Math.abs(Date.now() - Number(mtimeMs)) < young ? '' : String(mtimeNs);
  } catch {
    return 'none';
  }
}

/** All bases of that name, those of before included. */
export function findBases(name: string): FoundBase[] {
  const folder = baseFolder(name);
  const current = linkTarget(join(folder, currentBase));
  return readFolder(folder)
    .filter(isDigestFolder)
    .map((mark) => ({ name, mark, current: mark === current, ...lookAt(join(folder, mark), name) }));
}

function lookAt(folder: string, name: string): Pick<FoundBase, 'size' | 'builtAt' | 'manifest' | 'problem'> {
  const facts = { size: 0, builtAt: 0 };
  try {
    const manifest = parseBaseManifest(readFileSync(join(folder, baseFiles.manifest), 'utf8'), folder);
    for (const { name: file, size } of filesOf(manifest)) {
      const info = statSync(join(folder, file));
      facts.size += info.blocks * 512;
      facts.builtAt ||= Date.parse(manifest.builtAt ?? '') || info.mtimeMs;
      if (info.size !== size) return { ...facts, problem: `${file} has another size` };
    }
    if (manifest.name !== name) return { ...facts, problem: `it is of the base ${manifest.name}` };
    return { ...facts, manifest };
  } catch (error) {
    return { ...facts, problem: messageOf(error) };
  }
}

function readFolder(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return [];
    throw error;
  }
}

function linkTarget(link: string): string | undefined {
  try {
    return readlinkSync(link);
  } catch {
    return undefined;
  }
}
