import { median } from '../bench/benchmark.js';
import { powerLaw } from '../bench/fit.js';
import { type RecordedFigure, newestResults } from '../bench/results.js';
import type { Field } from '../src/report/chart/field.js';
import { formatNumber, formatSeconds } from '../src/report/chart/numbers.js';
import { plotToSvg } from '../src/report/print.js';
import type { GeneratedPage } from './page.js';

/** How one cost grows. */
export interface Growth {
  readonly series: string;
  readonly at: readonly number[];
  /** Seconds, medians. */
  readonly own: readonly number[];
  readonly limit: readonly number[];
}

/** The series of a result, in its order. */
export function growthsOf(figures: readonly RecordedFigure[]): Growth[] {
  const names = new Set(figures.flatMap(({ growth }) => (growth ? [growth.series] : [])));
  return [...names].map((series) => {
    const those = (limit: boolean) =>
      figures.filter(({ growth }) => growth?.series === series && (growth.limit ?? false) === limit);
    const values = (of: readonly RecordedFigure[]) => of.map(({ samples }) => median(samples));
    const own = those(false);
    const at = own.map(({ growth }) => growth?.at ?? NaN);
    return { series, at, own: values(own), limit: values(those(true)) };
  });
}

const labels = ['GVA', 'GVA, fitted', 'the limit'];

/** Both axes logarithmic: a power law is a straight line. */
export function growthChart({ series, at, own, limit }: Growth): string {
  const { exponent, factor } = powerLaw(at, own);
  const fitted = at.map((x) => factor * x ** exponent);
  const field = (name: string, values: readonly number[], more: Partial<Field> = {}): Field => ({
    ...{ name, values, ...more },
  });
  const rows = Array.from({ length: 3 * at.length }, (_, row) => row);
  return plotToSvg('lines', {
    x: field(series, [...at, ...at, ...at]),
    y: field('time', [...own, ...fitted, ...limit], { seconds: true }),
    colour: field(
      'which',
      rows.map((row) => Math.floor(row / at.length)),
      { labels },
    ),
    ...{ rows, logX: true, logY: true, width: 560, height: 340 },
  });
}

export const chartFile = ({ series }: Growth) =>
  `docs/images/growth-${series.split(/[^a-z]/i)[0]?.toLowerCase() ?? ''}.svg`;

export async function growths(): Promise<Growth[]> {
  return growthsOf((await newestResults()).get('growth')?.figures ?? []);
}

/** The fits as a table, and the charts. */
export const growthPage: GeneratedPage = {
  file: 'docs/performance.md',
  part: 'growth',
  text: async () => {
    const all = await growths();
    if (all.length === 0) return 'Not measured yet.';
    const rows = all.map(({ series, at, own, limit }) => {
      const ends = [own[0], own.at(-1), limit[0], limit.at(-1)].map((value) => formatSeconds(value ?? NaN));
      const range = `${formatNumber(at[0] ?? NaN)} - ${formatNumber(at.at(-1) ?? NaN)}`;
      const exponents = [own, limit].map((values) => powerLaw(at, values).exponent.toFixed(2));
      const [first, last, limitFirst, limitLast] = ends;
      const cells = [`${first} - ${last}`, `${limitFirst} - ${limitLast}`, ...exponents];
      return `| ${[series, range, ...cells].join(' | ')} |`;
    });
    const head = ['with', 'from - to', 'time', 'limit', 'exponent', 'of the limit'];
    const table = [`| ${head.join(' | ')} |`, `| ${head.map(() => '---').join(' | ')} |`, ...rows].join('\n');
    const images = all.map((each) => `![${each.series}](${chartFile(each).slice('docs/'.length)})`);
    return [table, ...images].join('\n\n');
  },
};
