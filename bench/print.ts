import { type Benchmark, type Figure, median } from './benchmark.js';
import type { Comparison } from './compare.js';
import { verdict } from './results.js';

export function printFigures(benchmark: Benchmark, figures: readonly Figure[]): void {
  console.log(`\n${benchmark.name}: ${benchmark.title}`);
  printRow('', ['median', 'min', 'max', 'target']);
  for (const figure of figures) {
    const { what, unit, samples, target, absent } = figure;
    if (absent !== undefined) {
      console.log(`${what}: not measured, for ${absent}`);
      continue;
    }
    const values = [median(samples), Math.min(...samples), Math.max(...samples)].map(decimals);
    const columns = [...values, target === undefined ? '' : `<= ${target}`];
    printRow(`${what} (${unit})`, columns, verdict(figure));
  }
}

/** Times and sizes side by side, with the middle halves of their samples. */
export function printComparison(comparisons: readonly Comparison[]): void {
  let benchmark = '';
  for (const one of comparisons) {
    if (one.benchmark !== benchmark) {
      benchmark = one.benchmark;
      console.log(`\n${benchmark}`);
      printRow('', ['before', 'after', 'after/before', 'spread']);
    }
    const spread = `${one.ratioLow.toFixed(2)}-${one.ratioHigh.toFixed(2)}`;
    const columns = [decimals(one.before), decimals(one.after), one.ratio.toFixed(2), spread];
    printRow(`${one.what} (${one.unit})`, columns, one.change === 'same' ? '' : one.change.toUpperCase());
  }
}

const decimals = (value: number) => value.toFixed(3);

function printRow(title: string, columns: readonly string[], end = ''): void {
  const padded = columns.map((text) => text.padStart(13)).join('');
  console.log(`${title.padEnd(72)}${padded}  ${end}`.trimEnd());
}
