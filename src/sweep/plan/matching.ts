import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { errnoOf, messageOf } from '../../system/errors.js';
import type { ParameterDeclaration } from '../../model/parameter.js';
import { globMatcher } from './glob.js';
import { type Axis, listAxis, withinDeclared } from './axis.js';
import type { Entry } from './entry.js';

/** Files that a pattern may match. */
const mostMatches = 1_000_000;

/**
 * The paths of the files that match one of the patterns, as values of a string parameter; undefined, and told, where
 * there is none.
 *
 * @param folder that the patterns are relative to
 */
export async function readMatching(
  declaration: ParameterDeclaration,
  matching: Entry,
  folder: string,
): Promise<Axis | undefined> {
  if (declaration.type !== 'string')
    return matching.fail(`paths are for strings, not for ${declaration.type}`);
  const places =
    typeof matching.value === 'string' ? [matching] : matching.items('must be a pattern or a list of them');
  if (!places) return undefined;
  const found = new Set<string>();
  for (const place of places) {
    const paths = await matchesOf(place, folder);
    if (!paths) return undefined;
    for (const path of paths) found.add(path);
  }
  if (found.size === 0) return matching.fail('there are no patterns');
  const axis = listAxis([...found]);
  return withinDeclared(declaration, axis, matching, [matching, matching]) ? axis : undefined;
}

async function matchesOf(place: Entry, folder: string): Promise<string[] | undefined> {
  const pattern = place.value;
  if (typeof pattern !== 'string' || pattern === '' || pattern.includes('\0'))
    return place.fail('must be a pattern such as inputs/*.dat');
  if (pattern.split('/').includes('**'))
    return place.fail('** is not known: name each folder, or use * for one');
  try {
    const paths = await filesMatching(pattern, folder);
    if (paths.length > mostMatches) return place.fail<string[]>(`matches more than ${mostMatches} files`);
    return paths.length > 0 ? paths : place.fail<string[]>(`no file matches ${pattern}`);
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return place.fail(messageOf(error));
  }
}

/**
 * Paths of the files that match, in byte order, as the pattern has them: relative where it is.
 */
export async function filesMatching(pattern: string, folder: string): Promise<string[]> {
  const parts = pattern.split('/').filter((part, index) => part !== '' || index === 0);
  let found = [''];
  for (const [index, part] of parts.entries()) {
    const next: string[] = [];
    for (const parent of found) {
      const names = isPattern(part) ? await namesMatching(resolve(folder, parent), part) : [part];
      for (const name of names)
        next.push(index === 0 ? name : parent === '' ? `/${name}` : join(parent, name));
      if (next.length > mostMatches) return next;
    }
    found = next;
  }
  const files: string[] = [];
  for (const path of found) if (await isFile(resolve(folder, path))) files.push(path);
  return files.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

const isPattern = (part: string) => /[*?[]/.test(part);

async function namesMatching(folder: string, part: string): Promise<string[]> {
  const matches = globMatcher(part);
  try {
    return (await readdir(folder)).filter(matches);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return [];
    throw error;
  }
}

async function isFile(path: string): Promise<boolean> {
  const info = await stat(path).catch(() => undefined);
  return info?.isFile() ?? false;
}
