import { stat } from 'node:fs/promises';
import type { InputFile } from '../../instance/identity.js';
import { inputFile } from '../../instance/input-files.js';
import type { ParameterValue } from '../../model/parameter.js';
import type { Point } from '../../model/sweep.js';
import { GvaError } from '../../system/errors.js';
import { type FilePattern, type NamedFile, namedFile } from './file-pattern.js';
import type { PointSource } from './points.js';

/** Digests of files that are kept for the case that the next points have the same ones. */
const mostKept = 1000;

/** A file that a point wants and that is not there. */
export interface MissingFile extends NamedFile {
  readonly pattern: FilePattern;
  readonly point: Point;
  readonly problem: string;
}

/** The files of the points: those of all, and those that each has by a pattern. */
export class PointFiles {
  /** On the parameter CD of every point. */
  readonly common: readonly InputFile[];
  /** Whether points have files of their own. */
  readonly perPoint: boolean;
  readonly #points: PointSource;
  readonly #joined: boolean;
  readonly #patterns: readonly FilePattern[];
  readonly #kept = new Map<string, { version: string; file: InputFile }>();

  /**
   * @param patterns for the points of the plan
   * @param joined plans that it joins have files of their own
   */
  constructor(
    common: readonly InputFile[],
    patterns: readonly FilePattern[],
    points: PointSource,
    joined: boolean,
  ) {
    this.common = common;
    this.perPoint = joined || patterns.length > 0;
    this.#patterns = patterns;
    this.#points = points;
    this.#joined = joined;
  }

  /**
   * The files of a point with their digests; they are looked for now.
   *
   * @throws GvaError INPUT_FILE where one is missing
   */
  async of(point: Point): Promise<readonly InputFile[]> {
    const files = [...this.common];
    for (const { source, name } of this.named(point)) files.push(await this.#find(source, name, files));
    return files;
  }

  /** Which files the point has beside the common ones, whether they are there or not. */
  named(point: Point): NamedFile[] {
    const values = this.#valuesOf(point);
    return this.#wanted(point).map(({ pattern, index }) => namedFile(pattern, values, index));
  }

  /** Those of a point that are not there. */
  async missing(point: Point): Promise<MissingFile[]> {
    const values = this.#valuesOf(point);
    const missing: MissingFile[] = [];
    for (const { pattern, index } of this.#wanted(point)) {
      const file = this.#named(pattern, values, index);
      const problem = file instanceof GvaError ? file.message : await problemOf(file.source);
      const named = file instanceof GvaError ? { source: '', name: '' } : file;
      if (problem !== undefined) missing.push({ ...named, pattern, point, problem });
    }
    return missing;
  }

  #wanted(point: Point): { pattern: FilePattern; index: number }[] {
    const own = this.#patterns.map((pattern) => ({ pattern, index: point.index }));
    if (!this.#joined) return own;
    const joined = this.#points.originsOf(point);
    return [...own, ...joined.flatMap(({ files, index }) => files.map((pattern) => ({ pattern, index })))];
  }

  #valuesOf({ parameters }: Point): ParameterValue[] {
    return this.#points.names.map((name) => parameters[name] ?? '');
  }

  #named(pattern: FilePattern, values: readonly ParameterValue[], index: number): NamedFile | GvaError {
    try {
      return namedFile(pattern, values, index);
    } catch (error) {
      if (error instanceof GvaError) return error;
      throw error;
    }
  }

  async #find(source: string, name: string, others: readonly InputFile[]): Promise<InputFile> {
    const version = await versionOf(source);
    const key = `${name}\0${source}`;
    const kept = this.#kept.get(key);
    if (kept && kept.version === version && !others.some((other) => other.name === name)) return kept.file;
    const file = await inputFile(source, name, others);
    if (this.#kept.size >= mostKept) this.#kept.clear();
    if (version !== undefined) this.#kept.set(key, { version, file });
    return file;
  }
}

/** Tells a changed file; undefined where there is none. */
async function versionOf(path: string): Promise<string | undefined> {
  const info = await stat(path, { bigint: true }).catch(() => undefined);
  return info && [info.dev, info.ino, info.size, info.mtimeNs, info.ctimeNs].join(' ');
}

async function problemOf(path: string): Promise<string | undefined> {
  const info = await stat(path).catch(() => undefined);
  if (!info) return 'there is no such file';
  return info.isFile() ? undefined : 'is not a file';
}
