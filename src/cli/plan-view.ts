import { sourcePlace } from '../appliance/source.js';
import { parameterText } from '../model/parameter.js';
import type { Point } from '../model/sweep.js';
import type { PlanOutline } from '../sweep/plan/plan.js';
import { grouped } from '../sweep/plan/size.js';
import { printable } from '../vmm/console-ring.js';
import { outputColours as pc } from './colours.js';
import { nimrodText } from './nimrod-view.js';

/** Widest cell; longer values are cut. */
const widestCell = 32;

/** What a plan says, in a few lines. */
export function outlineText(plan: PlanOutline): string {
  const { name, source, points, factors, files, parameters, order } = plan;
  const [first] = points.points();
  const varied = new Set(factors.flatMap((factor) => factor.names));
  const fixed = parameters.filter((parameter) => !varied.has(parameter.name));
  const always = fixed.map(
    (parameter) => `${parameter.name}=${shortly(first?.parameters[parameter.name] ?? '')}`,
  );
  const own = first ? files.named(first).map((file) => `${file.source} as ${file.name}`) : [];
  const appliance = source
    ? `${source.appliance.name} ${source.appliance.version} (${sourcePlace(source)})`
    : 'none named';
  const lines: [string, string][] = [
    ['plan', name],
    ['appliance', appliance],
    ['points', pointsText(plan)],
    ...(order ? ([['order', `they are begun by ${order.text}, ascending`]] as [string, string][]) : []),
    ...(always.length > 0 ? ([['always', always.join(', ')]] as [string, string][]) : []),
    ...files.common.map((file): [string, string] => ['file', `${file.source} as ${file.name}`]),
    ...own.map((file): [string, string] => ['file', `of each point; of the first: ${file}`]),
    ...outputLines(plan),
    ...plan.notes().map((note): [string, string] => ['note', note]),
  ];
  const text = lines.map(([title, line]) => `${pc.bold(title.padEnd(11))}${printable(line)}\n`).join('');
  return plan.task ? `${text}${nimrodText(plan, plan.task)}` : text;
}

function outputLines({ keep, gather }: PlanOutline): [string, string][] {
  const lines: [string, string][] = [];
  if (keep !== undefined) lines.push(['keep', keep]);
  if (gather?.kind === 'command') lines.push(['gather', `on this host, with --gather: ${gather.command}`]);
  else if (gather) {
    const { name, version } = gather.source.appliance;
    lines.push(['gather', `in ${name} ${version} (${sourcePlace(gather.source)})`]);
  }
  return lines;
}

function pointsText({ points, factors }: PlanOutline): string {
  const number = `${points.exact ? '' : 'at most '}${grouped(points.count)}`;
  const parts = factors
    .filter(({ size }) => size > 1n)
    .map(({ names, size, exact }) => `${names.join(', ')} ${exact ? '' : 'up to '}${grouped(size)}`);
  const why = points.exact ? '' : '; --count counts them';
  if (parts.length === 0) return `${number}${why}`;
  const product = factors.reduce((all, { size }) => all * size, 1n);
  const left = points.exact && product !== points.count ? ', some left out' : '';
  return `${number} (${parts.join(' × ')}${left})${why}`;
}

/** A value in one short line. */
function shortly(value: string | number | boolean): string {
  const text = printable(parameterText(value)).replace(/\s/g, ' ');
  return text.length > widestCell ? `${text.slice(0, widestCell - 1)}…` : text;
}

/**
 * Points as a table that fits: columns that do not are named below it.
 *
 * @param end the last points, where some between are left out
 * @param width of the terminal, in characters
 */
export function pointTable(
  { factors, points }: PlanOutline,
  shown: readonly Point[],
  end: readonly Point[],
  width = 80,
): string {
  const varied = new Set(factors.flatMap((factor) => factor.names));
  const names = points.names.filter((name) => varied.has(name));
  const rows = [...shown, ...end];
  const columns = [
    { title: 'point', cells: rows.map(({ index }) => String(index)), right: true },
    ...names.map((name) => ({
      title: name,
      cells: rows.map(({ parameters }) => shortly(parameters[name] ?? '')),
      right: rows.every(({ parameters }) => typeof parameters[name] === 'number'),
    })),
  ];
  const fitting = columns.slice(0, fittingColumns(columns, width));
  const widths = fitting.map(widthOf);
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, index) =>
        fitting[index]?.right ? cell.padStart(widths[index] ?? 0) : cell.padEnd(widths[index] ?? 0),
      )
      .join('  ')
      .trimEnd();
  const body = rows.map((_, row) => line(fitting.map(({ cells }) => cells[row] ?? '')));
  if (end.length > 0) body.splice(shown.length, 0, line(fitting.map(() => '…')));
  const left = columns.slice(fitting.length).map(({ title }) => title);
  const rest = left.length > 0 ? [`not shown: ${left.join(', ')}`] : [];
  return [pc.bold(line(fitting.map(({ title }) => title))), ...body, ...rest]
    .map((text) => `${text}\n`)
    .join('');
}

interface TextColumn {
  readonly title: string;
  readonly cells: readonly string[];
}

const widthOf = ({ title, cells }: TextColumn) =>
  cells.reduce((most, cell) => Math.max(most, cell.length), title.length);

/** As many as fit side by side, but the number and one parameter in any case. */
function fittingColumns(columns: readonly TextColumn[], width: number): number {
  let used = -2;
  const fit = columns.findIndex((column) => (used += widthOf(column) + 2) > width);
  return fit < 0 ? columns.length : Math.max(fit, 2);
}
