import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { basename, join } from 'node:path';
import { packageRoot, packageVersion } from '../src/system/package.js';
import { type Benchmark, type Figure, median } from './benchmark.js';

/** A figure as it is kept. */
export interface RecordedFigure extends Figure {
  /** `null` in the file where there are no samples. */
  readonly median: number;
  readonly verdict: Verdict;
}

export type Verdict = '' | 'met' | 'MISSED';

/** A file of `bench/results`. */
export interface BenchmarkResult {
  readonly benchmark: string;
  /** ISO 8601. */
  readonly date: string;
  readonly gva: string;
  readonly node: string;
  readonly machine: {
    readonly cpu: string | undefined;
    readonly cores: number;
    /** Bytes. */
    readonly memory: number;
    readonly kernel: string | undefined;
  };
  /** Averages over 1, 5 and 15 minutes. */
  readonly load: { readonly before: readonly number[]; readonly after: readonly number[] };
  readonly figures: readonly RecordedFigure[];
}

export const resultsFolder = join(packageRoot, 'bench/results');

export function verdict({ samples, target }: Pick<Figure, 'samples' | 'target'>): Verdict {
  if (target === undefined) return '';
  return median(samples) <= target ? 'met' : 'MISSED';
}

export async function writeResult(
  { name }: Benchmark,
  figures: readonly Figure[],
  loadBefore: readonly number[],
): Promise<void> {
  const date = new Date().toISOString();
  const machine = {
    cpu: cpus()[0]?.model,
    cores: cpus().length,
    memory: totalmem(),
    kernel: release().split('-')[0],
  };
  const result: BenchmarkResult = {
    benchmark: name,
    date,
    gva: packageVersion(),
    node: process.version,
    machine,
    load: { before: loadBefore, after: loadavg() },
    figures: figures.map((figure) => ({
      ...figure,
      median: median(figure.samples),
      verdict: verdict(figure),
    })),
  };
  await mkdir(resultsFolder, { recursive: true });
  const file = join(resultsFolder, `${date.slice(0, 10)}-${name}.json`);
  await writeFile(file, `${JSON.stringify(result, null, 2)}\n`);
}

export async function readBenchmarkResult(file: string): Promise<BenchmarkResult> {
  return JSON.parse(await readFile(file, 'utf8')) as BenchmarkResult;
}

/** Files of results: those of one day (2026-11-30), or all. */
export async function resultFiles(day = ''): Promise<string[]> {
  const names = (await readdir(resultsFolder)).filter((name) => /^\d{4}-\d\d-\d\d-.+\.json$/.test(name));
  return names
    .filter((name) => name.startsWith(day))
    .sort()
    .map((name) => join(resultsFolder, name));
}

/** Of each benchmark the last result, by its name. */
export async function newestResults(): Promise<Map<string, BenchmarkResult>> {
  const newest = new Map<string, string>();
  for (const file of await resultFiles()) newest.set(basename(file).slice(11, -5), file);
  const entries = [...newest].map(async ([name, file]): Promise<[string, BenchmarkResult]> => [
    name,
    await readBenchmarkResult(file),
  ]);
  return new Map(await Promise.all(entries));
}
