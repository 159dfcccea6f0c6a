import { type CellValue, ColumnBuilder, cellText, columnNamed } from './columns.js';
import { type ReportColumn, type ReportData, type ReportedState, reportedStates } from './data.js';
import { failureOutlines, type FailureOutline } from './failures.js';

/** Cells of a report; a table with more shows its first columns. */
const mostCells = 12_000_000;
/** Columns of a report. */
const mostColumns = 200;

/** GVA's own columns that a report has no use for. */
const unused: ReadonlySet<string> = new Set(['gva_folder']);

export interface ReportTable {
  readonly rows: number;
  readonly columns: readonly ReportColumn[];
  readonly counts: ReportData['counts'];
  readonly failures: readonly FailureOutline[];
  readonly notes: readonly string[];
}

/** Takes in the table of results row by row, and keeps it by columns. */
export class TableBuilder {
  readonly #parameters: ReadonlySet<string>;
  readonly #columns = new Map<string, ColumnBuilder>();
  readonly #leftOut = new Set<string>();
  readonly #mostColumns: number;
  #rows = 0;

  /**
   * @param parameters their names
   * @param points number of rows that are expected
   */
  constructor(parameters: readonly string[], points: number) {
    this.#parameters = new Set(parameters);
    this.#mostColumns = Math.max(30, Math.min(mostColumns, Math.floor(mostCells / Math.max(1, points))));
    for (const name of ['gva_point', ...parameters, 'gva_state', 'gva_cause', 'gva_status'])
      this.#columnOf(name);
  }

  add(row: Readonly<Record<string, CellValue>>): void {
    for (const name in row) {
      const value = row[name];
      if (value !== null && value !== undefined) this.#columnOf(name)?.add(this.#rows, value);
    }
    this.#rows++;
  }

  finish(): ReportTable {
    const builders = [...this.#columns.values()];
    const columns = builders.map((builder) => builder.column(this.#rows)).sort(byRole);
    return {
      ...{ rows: this.#rows, columns },
      counts: countStates(columns, this.#rows),
      failures: failureOutlines(columns, this.#rows),
      notes: this.#notes(builders),
    };
  }

  #columnOf(name: string): ColumnBuilder | undefined {
    const known = this.#columns.get(name);
    if (known || unused.has(name)) return known;
    const isOwn = name.startsWith('gva_') && name !== 'gva_data';
    const role = this.#parameters.has(name) ? 'parameter' : isOwn ? 'outcome' : 'result';
    if (role === 'result' && this.#columns.size >= this.#mostColumns) {
      if (this.#leftOut.size < 10_000) this.#leftOut.add(name);
      return undefined;
    }
    const column = new ColumnBuilder(name, role, { isTime: name === 'gva_started' });
    this.#columns.set(name, column);
    return column;
  }

  #notes(builders: readonly ColumnBuilder[]): string[] {
    const notes: string[] = [];
    const left = this.#leftOut.size;
    if (left > 0) notes.push(`${left} columns of results are not in this report; results.csv has them.`);
    const cut = builders.filter((builder) => builder.cut).map(({ name }) => name);
    if (cut.length > 0) notes.push(`Long texts are cut: ${cut.join(', ')}.`);
    return notes;
  }
}

const order = { parameter: 1, outcome: 2, result: 3 } as const;

const byRole = (a: ReportColumn, b: ReportColumn) => rank(a) - rank(b);

const rank = ({ name, role }: ReportColumn) => (name === 'gva_point' ? 0 : order[role]);

function countStates(columns: readonly ReportColumn[], rows: number): ReportData['counts'] {
  const counts = Object.fromEntries(reportedStates.map((state) => [state, 0])) as Record<
    ReportedState,
    number
  >;
  const column = columnNamed(columns, 'gva_state');
  for (let row = 0; row < rows; row++) counts[stateOf(column ? cellText(column, row) : '')]++;
  return counts;
}

/** A point that is being worked on has state `staged` or `running` in the table. */
export function stateOf(text: string): ReportedState {
  if (text === 'staged') return 'running';
  return reportedStates.find((state) => state === text) ?? 'pending';
}
