import { cellText, columnNamed } from './columns.js';
import type { FailureExample, FailureGroup, ReportColumn, ReportedState } from './data.js';

/** A group of points with the same cause, before anybody has looked at what they left. */
export interface FailureOutline extends Omit<FailureGroup, 'examples' | 'points'> {
  /** Rows of the table, and the numbers of their points. */
  readonly rows: readonly number[];
  readonly points: readonly number[];
}

const bad: ReadonlySet<string> = new Set(['failed', 'lost', 'cancelled']);

/** Numbers of points that a group names. */
export const namedPoints = 50;

/** Groups the points that ended otherwise than done by state, cause and exit status; the largest group first. */
export function failureOutlines(columns: readonly ReportColumn[], rows: number): FailureOutline[] {
  const cell = (name: string, row: number) => {
    const column = columnNamed(columns, name);
    return column ? cellText(column, row) : '';
  };
  const groups = new Map<string, number[]>();
  for (let row = 0; row < rows; row++) {
    const state = cell('gva_state', row);
    if (!bad.has(state)) continue;
    const key = JSON.stringify([state, causeCode(cell('gva_cause', row)), cell('gva_status', row)]);
    const group = groups.get(key);
    if (group) group.push(row);
    else groups.set(key, [row]);
  }
  return [...groups]
    .map(([key, members]) => {
      const [state, cause, status] = JSON.parse(key) as [ReportedState, string, string];
      return {
        ...{ state, cause, count: members.length, rows: members },
        status: status === '' ? null : Number(status),
        points: members.slice(0, namedPoints).map((row) => Number(cell('gva_point', row))),
        common: commonValues(columns, members, rows),
      };
    })
    .sort((a, b) => b.count - a.count || a.cause.localeCompare(b.cause));
}

/** Of "CODE: MESSAGE" the code: the message may have the point's own names in it. */
const causeCode = (cause: string) => /^([A-Z][A-Z0-9_]+): /.exec(cause)?.[1] ?? cause;

/** Parameters that all members share, while other points have other values. */
function commonValues(columns: readonly ReportColumn[], members: readonly number[], rows: number) {
  if (members.length < 2) return [];
  return columns.flatMap((column) => {
    if (column.role !== 'parameter') return [];
    const value = cellText(column, members[0] ?? 0);
    if (members.some((row) => cellText(column, row) !== value)) return [];
    for (let row = 0; row < rows; row++)
      if (cellText(column, row) !== value) return [{ name: column.name, value }];
    return [];
  });
}

/** The values of a point's parameters. */
export const parametersOf = (columns: readonly ReportColumn[], row: number): FailureExample['parameters'] =>
  columns
    .filter(({ role }) => role === 'parameter')
    .map((column) => ({ name: column.name, value: cellText(column, row) }));
