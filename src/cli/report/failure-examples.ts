import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { cellText, columnNamed } from '../../report/columns.js';
import type { ReportTable } from '../../report/build.js';
import type { FailureExample, FailureReport } from '../../report/data.js';
import { type FailureOutline, parametersOf } from '../../report/failures.js';
import { readCapped } from '../../sweep/observe/capped.js';
import { logNames } from '../../sweep/observe/scripts.js';
import { readKept } from '../../sweep/results/kept.js';
import { pointFolder, resultFiles } from '../../system/paths.js';
import { ConsoleRing, printable } from '../../vmm/console-ring.js';

/** Groups that are shown, and how many points of each are looked at. */
const mostGroups = 40;
const examplesOf = (place: number) => (place < 5 ? 3 : 1);
const lines = 16;
/** Bytes. */
const longest = { result: 16 << 20, log: 64 << 20, tail: 8 << 10 } as const;

/** Says of each group of failures what some of its points have left. */
export async function explainFailures(
  folder: string,
  table: ReportTable,
  signal: AbortSignal,
): Promise<FailureReport> {
  const shown = table.failures.slice(0, mostGroups);
  const rest = table.failures.slice(mostGroups);
  const groups = [];
  for (const [place, { rows, ...group }] of shown.entries()) {
    const examples: FailureExample[] = [];
    for (const row of rows.slice(0, examplesOf(place))) {
      signal.throwIfAborted();
      examples.push(await exampleOf(folder, table, group, row));
    }
    groups.push({ ...group, examples });
  }
  return {
    groups,
    more: { groups: rest.length, points: rest.reduce((sum, { count }) => sum + count, 0) },
  };
}

async function exampleOf(
  sweep: string,
  { columns }: ReportTable,
  group: Pick<FailureOutline, 'cause'>,
  row: number,
): Promise<FailureExample> {
  const cell = (name: string) => {
    const column = columnNamed(columns, name);
    return column ? cellText(column, row) : '';
  };
  const point = Number(cell('gva_point'));
  const folder = pointFolder(sweep, point);
  const text = await readCapped(join(folder, resultFiles.result), longest.result).catch(() => undefined);
  const known = text === undefined ? {} : saidBy(text);
  // Of a point that could not be run at all the table has more than the code.
  const cause = cell('gva_cause');
  const message = known.message ?? (cause === group.cause ? undefined : cause);
  return {
    ...{ point, parameters: parametersOf(columns, row) },
    ...(message === undefined ? {} : { message: printable(message) }),
    ...(known.host === undefined ? {} : { host: printable(known.host) }),
    console: text === undefined ? [] : await lastLines(createReadStream(join(folder, resultFiles.console))),
    stderr: text === undefined ? [] : await lastErrors(folder, text, known.failed),
  };
}

interface Said {
  readonly message?: string;
  readonly host?: string;
  /** Place of the first script that failed. */
  readonly failed?: number;
}

function saidBy(text: string): Said {
  try {
    const { message, host, scripts } = JSON.parse(text) as Readonly<Record<string, unknown>>;
    const failed = Array.isArray(scripts)
      ? (scripts as { status?: unknown }[]).findIndex(({ status }) => status !== 0)
      : -1;
    return {
      ...(typeof message === 'string' ? { message } : {}),
      ...(typeof host === 'string' ? { host } : {}),
      ...(failed >= 0 ? { failed } : {}),
    };
  } catch {
    return {};
  }
}

/** What the script that failed wrote to standard error. */
async function lastErrors(folder: string, result: string, failed = 0): Promise<string[]> {
  const name = logNames(result)[failed];
  return name === undefined ? [] : lastLines(readKept(folder, `.gva/${name}.stderr`));
}

async function lastLines(chunks: AsyncIterable<unknown>): Promise<string[]> {
  const ring = new ConsoleRing(longest.tail);
  let size = 0;
  try {
    for await (const chunk of chunks) {
      ring.append(chunk as Buffer);
      if ((size += (chunk as Buffer).length) > longest.log) break;
    }
  } catch {
    // An example is shown with what there is of it.
  }
  return ring.lastLines(lines).map((line) => line.slice(0, 500).toWellFormed());
}
