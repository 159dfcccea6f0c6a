import { basename, resolve } from 'node:path';
import type { ParameterDeclaration, ParameterValue } from '../../model/parameter.js';
import { GvaError } from '../../system/errors.js';
import { type Entry, isMapping } from './entry.js';
import { Template } from './template.js';

/** A file of each point: which one of the host's, and its name on the parameter CD. */
export interface FilePattern {
  readonly source: Template;
  /** Absent: the last part of the source. */
  readonly name?: Template;
  /** Absolute; the source is relative to it. */
  readonly folder: string;
  /** Where the plan says so. */
  readonly entry: Entry;
}

/** The `files:` of a plan, a list or a single one; those that are told to be wrong are left out. */
export function readFilePatterns(
  list: Entry,
  folder: string,
  parameters: readonly ParameterDeclaration[],
): FilePattern[] {
  if (list.value === undefined) return [];
  const single = typeof list.value === 'string' || isMapping(list.value);
  const items = single ? [list] : (list.items('must be a path, { source, name }, or a list of them') ?? []);
  return items.flatMap((entry) => readFilePattern(entry, folder, parameters) ?? []);
}

function readFilePattern(
  entry: Entry,
  folder: string,
  parameters: readonly ParameterDeclaration[],
): FilePattern | undefined {
  const { value } = entry;
  const named = isMapping(value);
  const source = named ? entry.at('source') : entry;
  if (named && !entry.only('source', 'name')) return undefined;
  if (typeof source.value !== 'string' || source.value === '' || (named && typeof value['name'] !== 'string'))
    return entry.fail('must be a path or { source, name }');
  const path = readTemplate(source, parameters);
  if (!path || !named) return path && { source: path, folder, entry };
  const name = readTemplate(entry.at('name'), parameters);
  return name && { source: path, name, folder, entry };
}

function readTemplate(entry: Entry, parameters: readonly ParameterDeclaration[]): Template | undefined {
  try {
    return new Template(String(entry.value), parameters);
  } catch (error) {
    if (!(error instanceof GvaError)) throw error;
    return entry.fail(error.message);
  }
}

export const isConstant = ({ source, name }: FilePattern) => source.constant && name?.constant !== false;

/** Whether points are different already by the file with their number. */
export const isByIndex = ({ source, name }: FilePattern) => source.byIndex || name?.byIndex === true;

/** A file of one point: where it lies on the host, and its name on the CD. */
export interface NamedFile {
  readonly source: string;
  readonly name: string;
}

/** @throws GvaError INPUT_FILE where a value would lead to another folder */
export function namedFile(pattern: FilePattern, values: readonly ParameterValue[], index: number): NamedFile {
  const { source, name, folder } = pattern;
  const path = source.expand(values, index);
  for (const parameter of source.parameters) {
    const value = String(values[parameter]);
    if (value.split('/').includes('..') || value.includes('\0'))
      throw new GvaError(
        'INPUT_FILE',
        `a value may not lead to another folder: ${JSON.stringify(value)} in ${path}`,
      );
  }
  return { source: resolve(folder, path), name: name ? name.expand(values, index) : basename(path) };
}

/** The files of a point as text: points with the same ones have the same files. */
export function ownFiles(
  files: readonly FilePattern[],
  values: readonly ParameterValue[],
  index: number,
): string[] {
  return files.flatMap(({ source, name, folder }) => [
    folder,
    source.expand(values, index),
    name?.expand(values, index) ?? '',
  ]);
}
