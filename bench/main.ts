import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { packageRoot, packageVersion } from '../src/system/paths.js';
import { type Benchmark, type Figure, median } from './benchmark.js';
import { coldStart } from './cold-start.js';
import { checkpoint } from './checkpoint.js';
import { coordinator } from './coordinator.js';
import { coordinatorMillion } from './coordinator-million.js';
import { computation } from './computation.js';
import { baseFind } from './base-find.js';
import { baseSize } from './base-size.js';
import { grid } from './grid.js';
import { gridSubmit } from './grid-submit.js';
import { media } from './media.js';
import { ova } from './ova.js';
import { packages } from './packages.js';
import { pool } from './pool.js';
import { report } from './report.js';
import { throughput } from './throughput.js';
import { vmdk } from './vmdk.js';
import { warmStart } from './warm-start.js';

// npm run bench [-- NAME...]: each benchmark prints a table and writes bench/results/DATE-NAME.json. Those that take
// many minutes run only where they are named.

const benchmarks: Benchmark[] = [
  ...[
    coldStart,
    warmStart,
    pool,
    checkpoint,
    throughput,
    coordinator,
    coordinatorMillion,
    gridSubmit,
    computation,
    baseSize,
    baseFind,
  ],
  ...[media, vmdk, ova, packages, grid, report],
];

function verdict({ samples, target }: Figure): string {
  if (target === undefined) return '';
  return median(samples) <= target ? 'met' : 'MISSED';
}

function printTable(benchmark: Benchmark, figures: readonly Figure[]): void {
  console.log(`\n${benchmark.name}: ${benchmark.title}`);
  console.log(
    `${''.padEnd(62)}${['median', 'min', 'max', 'target'].map((title) => title.padStart(10)).join('')}`,
  );
  for (const figure of figures) {
    const { what, unit, samples, target } = figure;
    const values = [median(samples), Math.min(...samples), Math.max(...samples)].map((value) =>
      value.toFixed(3),
    );
    const columns = [...values, target === undefined ? '' : `<= ${target}`].map((text) => text.padStart(10));
    console.log(`${`${what} (${unit})`.padEnd(62)}${columns.join('')}  ${verdict(figure)}`);
  }
}

async function record(benchmark: Benchmark, figures: readonly Figure[], loadBefore: number[]): Promise<void> {
  const folder = join(packageRoot, 'bench/results');
  await mkdir(folder, { recursive: true });
  const date = new Date().toISOString();
  const machine = {
    cpu: cpus()[0]?.model,
    cores: cpus().length,
    memory: totalmem(),
    kernel: release().split('-')[0],
  };
  const load = { before: loadBefore, after: loadavg() };
  const rows = figures.map((figure) => ({
    ...figure,
    median: median(figure.samples),
    verdict: verdict(figure),
  }));
  const report = {
    benchmark: benchmark.name,
    date,
    gva: packageVersion(),
    node: process.version,
    machine,
    load,
    figures: rows,
  };
  await writeFile(
    join(folder, `${date.slice(0, 10)}-${benchmark.name}.json`),
    `${JSON.stringify(report, null, 2)}\n`,
  );
}

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !benchmarks.some((benchmark) => benchmark.name === name));
if (unknown.length > 0) {
  console.error(
    `no benchmark ${unknown.join(', ')}; there are: ${benchmarks.map(({ name }) => name).join(', ')}`,
  );
  process.exit(2);
}
for (const benchmark of benchmarks) {
  if (wanted.length > 0 ? !wanted.includes(benchmark.name) : benchmark.onlyNamed) continue;
  const loadBefore = loadavg();
  const figures = await benchmark.run();
  printTable(benchmark, figures);
  await record(benchmark, figures, loadBefore);
}
