import { formatCount, formatNumber, formatSeconds } from '../report/chart/numbers.js';
import { titleOf } from '../report/chart/field.js';
import type { Comparison, ResultDifference } from '../report/compare.js';
import { outputColours as pc } from './colours.js';
import { type TextColumn, lineWidth, textTable } from './sweep/text-table.js';

/** A comparison for people. */
export function comparisonText(comparison: Comparison): string {
  const { points, states, differing, equal, onlyFirst, onlySecond } = comparison;
  const verdict = equal ? pc.green('They are the same.') : pc.red('They differ.');
  const lines = [
    `${verdict} ${formatCount(points.both)} points are in both, ${formatCount(differing)} of them differ.`,
    ...only(points.onlyFirst, 'first'),
    ...only(points.onlySecond, 'second'),
    ...states.map(
      ({ first, second, points: number }) => `${first} -> ${second}: ${formatCount(number)} points`,
    ),
    ...(onlyFirst.length > 0 ? [`results of the first alone: ${onlyFirst.join(', ')}`] : []),
    ...(onlySecond.length > 0 ? [`results of the second alone: ${onlySecond.join(', ')}`] : []),
  ];
  const tables = [resultsTable(comparison), durationsTable(comparison), pointsTable(comparison)];
  return [`${lines.join('\n')}\n`, ...tables.filter((table) => table !== '')].join('\n');
}

const only = (number: number, which: string) =>
  number === 0 ? [] : [`${formatCount(number)} points are in the ${which} alone.`];

const width = () => lineWidth(process.stdout);

function tableOf(columns: readonly TextColumn[]): string {
  return columns[0]?.cells.length === 0 ? '' : textTable(columns, width());
}

const resultsTable = ({ results }: Comparison) =>
  tableOf([
    { title: 'result', cells: results.map(({ name }) => name) },
    { title: 'compared', right: true, cells: results.map(({ compared }) => formatCount(compared)) },
    { title: 'differing', right: true, cells: results.map(({ differing }) => formatCount(differing)) },
    { title: 'by at most', right: true, cells: results.map(largest) },
  ]);

function largest({ largest: size, largestRelative: part }: ResultDifference): string {
  if (size === undefined || part === undefined) return '';
  return `${formatNumber(size)} (${formatNumber(part * 100, 2)} %)`;
}

const durationsTable = ({ durations }: Comparison) =>
  tableOf([
    { title: 'median of', cells: durations.map(({ name }) => titleOf(name)) },
    { title: 'first', right: true, cells: durations.map(({ first }) => formatSeconds(first.median)) },
    { title: 'second', right: true, cells: durations.map(({ second }) => formatSeconds(second.median)) },
    {
      ...{ title: 'second / first', right: true },
      cells: durations.map(({ ratio }) => (ratio === null ? '' : formatNumber(ratio, 3))),
    },
  ]);

function pointsTable({ differences, differing }: Comparison): string {
  const rows = differences.flatMap(({ first, second, parameters, changes }) =>
    changes.map(({ name, first: before, second: after }) => ({
      point: first === second ? String(first) : `${first} / ${second}`,
      parameters: Object.entries(parameters)
        .map(([key, value]) => `${key}=${value}`)
        .join(' '),
      ...{ name, before, after },
    })),
  );
  const table = tableOf([
    { title: 'point', right: true, cells: rows.map(({ point }) => point) },
    { title: 'parameters', cells: rows.map((row) => row.parameters) },
    { title: 'what', cells: rows.map(({ name }) => name) },
    { title: 'first', cells: rows.map(({ before }) => before) },
    { title: 'second', cells: rows.map(({ after }) => after) },
  ]);
  const rest = differing - differences.length;
  return rest > 0 ? `${table}and ${formatCount(rest)} more (--limit)\n` : table;
}
