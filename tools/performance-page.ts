import { type BenchmarkResult, newestResults, verdict } from '../bench/results.js';
import { type NamedFigure, missedReasons, namedFigures } from '../bench/targets.js';
import { median } from '../bench/benchmark.js';
import { formatNumber } from '../src/report/chart/numbers.js';
import type { GeneratedPage } from './page.js';

/** The table of docs/performance.md: what is to be reached, and what the last result of each benchmark says. */
export const performancePage: GeneratedPage = {
  file: 'docs/performance.md',
  part: 'targets',
  text: async () => targetsTable(await namedFigures(), await newestResults(), await missedReasons()),
};

/**
 * @throws Error where a figure was missed without a reason
 */
export function targetsTable(
  named: readonly NamedFigure[],
  results: ReadonlyMap<string, BenchmarkResult>,
  reasons: Readonly<Record<string, string>>,
): string {
  const notes: string[] = [];
  const rows = named.map((one) => {
    const result = results.get(one.benchmark);
    const figure = result?.figures.find(({ what }) => what === one.what);
    const target = shown(one, one.target);
    if (!result || !figure) return [one.says, '', '', target, 'not measured', ''];
    const missed = verdict({ samples: figure.samples, target: one.target }) === 'MISSED';
    if (missed) notes.push(reasonOf(one, reasons));
    const said = missed ? `missed (${notes.length})` : 'met';
    const value = shown(one, median(figure.samples));
    return [one.says, value, spread(one, figure.samples), target, said, result.date.slice(0, 10)];
  });
  const head = ['figure', 'measured', 'from - to', 'target', 'verdict', 'on'];
  const lines = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
  const met = rows.filter(([, , , , said]) => said === 'met').length;
  const count = `${met} of ${rows.length} are met, ${notes.length} missed, ${rows.length - met - notes.length} not measured.`;
  const missed = notes.map((note, index) => `${index + 1}. ${note}`);
  return [
    lines.join('\n'),
    count,
    ...(missed.length > 0 ? ['The missed ones:', missed.join('\n')] : []),
  ].join('\n\n');
}

function reasonOf({ name, says }: NamedFigure, reasons: Readonly<Record<string, string>>): string {
  const reason = reasons[name];
  if (reason === undefined) throw new Error(`${name} (${says}) was missed: bench/missed.json must say why`);
  return reason;
}

function spread(one: NamedFigure, samples: readonly number[]): string {
  if (samples.length === 1) return 'one run';
  const ends = [Math.min(...samples), Math.max(...samples)].map((value) => numberOf(one, value));
  return (one.perMinute ? ends.reverse() : ends).join(' - ');
}

function shown(one: NamedFigure, value: number): string {
  const unit = one.perMinute ? 'a minute' : one.unit === 'x' ? '' : one.unit;
  return `${numberOf(one, value)} ${unit}`.trim();
}

const numberOf = ({ perMinute }: NamedFigure, value: number) =>
  perMinute ? String(Math.round(60 / value)) : formatNumber(value, 3);
