import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packageRoot } from '../src/system/package.js';
import type { Figure } from './benchmark.js';

/** A figure that has something to reach. */
export interface NamedFigure {
  readonly name: string;
  readonly benchmark: string;
  /** As its benchmark calls it. */
  readonly what: string;
  /** As the documentation calls it. */
  readonly says: string;
  readonly unit: Figure['unit'];
  /** At most. The same as the benchmark's own, where it has one. */
  readonly target: number;
  /** Seconds for one that are shown as how many there are in a minute. */
  readonly perMinute?: true;
}

async function readData(name: string): Promise<unknown> {
  return JSON.parse(await readFile(join(packageRoot, 'bench', name), 'utf8'));
}

/** All that have something to reach, in the order of the documentation: `bench/targets.json`. */
export const namedFigures = async () => (await readData('targets.json')) as readonly NamedFigure[];

/** Why figures were missed and what would close the gap, by their names: `bench/missed.json`. */
export const missedReasons = async () => (await readData('missed.json')) as Readonly<Record<string, string>>;
