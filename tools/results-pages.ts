import { median } from '../bench/benchmark.js';
import { type BenchmarkResult, type RecordedFigure, newestResults } from '../bench/results.js';
import {
  type Case,
  growth,
  measured,
  remedies,
  usualSite,
  usualWork,
  variations,
} from '../bench/simulation/cases.js';
import { formatNumber, formatShare } from '../src/report/chart/numbers.js';
import type { GeneratedPage } from './page.js';

const tableOf = (rows: readonly (readonly string[])[]) => {
  const [head = [], ...body] = rows;
  return [head, head.map(() => '---'), ...body].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
};

/** Text of a part, or that there is no result to make it of. */
function ofResult(benchmark: string, text: (result: BenchmarkResult) => string): () => Promise<string> {
  return async () => {
    const result = (await newestResults()).get(benchmark);
    return result ? text(result) : 'Not measured yet.';
  };
}

const valueOf = ({ samples, unit }: RecordedFigure) =>
  `${formatNumber(median(samples), 3)} ${unit === 'x' ? '' : unit}`.trim();

const spreadOf = ({ samples }: RecordedFigure) =>
  samples.length === 1
    ? 'one run'
    : [Math.min(...samples), Math.max(...samples)].map((value) => formatNumber(value, 3)).join(' - ');

/** When, and what else the machine did. */
const whenOf = ({ date, load }: BenchmarkResult) =>
  `Of ${date.slice(0, 10)}, at a load of ${formatNumber(Math.max(...load.before, ...load.after), 2)}, most of it other work.`;

/** All figures of a benchmark, and what was not measured. */
function figuresTable(result: BenchmarkResult): string {
  const { figures } = result;
  const rows = figures.map((figure) =>
    figure.absent === undefined
      ? [figure.what, valueOf(figure), spreadOf(figure)]
      : [figure.what, 'not measured', figure.absent],
  );
  return `${tableOf([['', 'median', 'from - to'], ...rows])}\n\n${whenOf(result)}`;
}

const publishedOf2008 = [
  ['total', '116.0 s', '69.7 s'],
  ['boot', '26.4 s', '16.3 s'],
  ['application', '42.0 s', '2 s'],
  ['shutdown', '11.4 s', '1.3 s'],
] as const;
const publishedSizes = [
  ['base image', '400 MB', 'base image'],
  ['disks of input and output', '20.5 and 40 MB', 'all disks of an instance, with its output'],
  ['compressed package', '51 MB', 'compressed package'],
] as const;
const ways = ['QEMU (TCG), cold', 'QEMU (TCG), warm', 'User-mode Linux'];

/** Beside what was published in 2008. */
function originalTable(result: BenchmarkResult): string {
  const { figures } = result;
  const value = (what: string) => {
    const figure = figures.find((each) => each.what === what);
    if (!figure) throw new Error(`no figure ${what}`);
    return valueOf(figure);
  };
  const times = [
    ['', '2008, emulated', '2008, virtualised', ...ways],
    ...publishedOf2008.map(([part, ...old]) => [
      part,
      ...old,
      ...ways.map((way) => value(`${way}: ${part}`)),
    ]),
    ['native', '1.15 s', '1.15 s', ...ways.map(() => value('native: total'))],
    ['total / native', '101', '61', ...ways.map((way) => value(`${way}: total / native`))],
  ];
  const sizes = [['', '2008', 'now'], ...publishedSizes.map(([what, old, now]) => [what, old, value(now)])];
  const absent = figures.flatMap(({ what, absent: why }) =>
    why === undefined ? [] : [`${what}: not measured, for ${why}.`],
  );
  return [tableOf(times), tableOf(sizes), `${whenOf(result)} ${absent.join(' ')}`].join('\n\n');
}

/** What decides: of all but the slots, the busiest. */
const parts = [
  ['slots busy', 'slots'],
  ['client', 'client'],
  ['scheduler', 'scheduler'],
  ['names', 'operations'],
  ['bytes', 'bytes'],
] as const;

function casesTable(
  { figures }: BenchmarkResult,
  cases: readonly Case[],
  name: (one: Case) => string = (one) => one.name,
): string {
  const value = (one: Case, what: string) => {
    const figure = figures.find((each) => each.what === `${one.name}: ${what}`);
    if (!figure) throw new Error(`no figure ${one.name}: ${what}`);
    return median(figure.samples);
  };
  const rows = cases.map((one) => {
    const [all, ideal] = [value(one, 'all of it'), value(one, 'ideal')];
    const hours = (seconds: number) => `${formatNumber(seconds / 3600, 2)} h`;
    const shares = parts.map(([, part]) => formatShare(value(one, `${part} busy`), 1));
    return [name(one), hours(ideal), hours(all), formatNumber(all / ideal, 3), ...shares];
  });
  return tableOf([['', 'at best', 'takes', 'ratio', ...parts.map(([title]) => title)], ...rows]);
}

function constantsTable(): string {
  const ms = (seconds: number) => `${formatNumber(1000 * seconds, 3)} ms`;
  const perSecond = (value: number) => `${formatNumber(value)} a second`;
  return tableOf([
    ['measured here, or a rule of GVA', ''],
    ['an instance beside its program, User-mode Linux', `${measured.pointSeconds} s`],
    [
      'a job, until its first point; between two jobs',
      `${measured.workerSeconds} s; ${usualSite.turnSeconds} s`,
    ],
    ['operations on the shared file system for a point', String(measured.operationsPerPoint)],
    [
      'the client, to submit a point; to take one in',
      `${ms(measured.submitSeconds)}; ${ms(measured.foldSeconds)}`,
    ],
    ['jobs at a time, at most', formatNumber(measured.jobs)],
    ['images', `${usualWork.imageBytes / 1e6} MB`],
    ['**assumed**', ''],
    ['slots of a node', String(usualSite.slotsPerNode)],
    ['a program, exponentially distributed', `${usualWork.seconds} s`],
    ['operations that the file server does', perSecond(usualSite.operationsPerSecond)],
    [
      'bytes that it reads; that a node does',
      `${usualSite.bytesPerSecond / 1e9} GB/s; ${usualSite.nodeBytesPerSecond / 1e9} GB/s`,
    ],
    ['starts of jobs', perSecond(usualSite.jobStartsPerSecond)],
    ['until a node is free, on average', `${usualSite.arrivalSeconds / 60} min`],
    ['failures of a node', 'one a year, an hour long'],
    ['instances that are lost', `${100 * usualWork.lossChance} %`],
  ]);
}

const nodesAndPoints = ({ site, work }: Case) =>
  `${formatNumber(site.nodes, 6)} node${site.nodes === 1 ? '' : 's'}, ${formatNumber(work.points, 8)} points`;

const part = (file: string, name: string, text: () => Promise<string>): GeneratedPage => ({
  ...{ file: `docs/${file}.md`, part: name, text },
});

export const resultsPages: readonly GeneratedPage[] = [
  part('performance', 'original', ofResult('original', originalTable)),
  part('performance', 'peers', ofResult('peers', figuresTable)),
  part('performance', 'peers-slurm', ofResult('peers-slurm', figuresTable)),
  part('performance', 'peers-cloud', ofResult('peers-cloud', figuresTable)),
  part('scaling', 'constants', () => Promise.resolve(constantsTable())),
  part(
    'scaling',
    'growth',
    ofResult('scaling', (result) => casesTable(result, growth, nodesAndPoints)),
  ),
  part(
    'scaling',
    'remedies',
    ofResult('scaling', (result) => casesTable(result, remedies)),
  ),
  part(
    'scaling',
    'variations',
    ofResult('scaling', (result) => casesTable(result, variations)),
  ),
];
