import type { Command } from 'commander';
import type { ResultRow } from '../../sweep/observe/rows.js';
import type { SeenStatus } from '../../sweep/observe/status.js';
import { ExitCode, GvaError } from '../../system/errors.js';
import { act, printJson } from '../action.js';
import { count } from '../quantities.js';

interface ListOptions {
  state?: string;
  limit?: string;
  json?: boolean;
}

const states = ['pending', 'running', 'done', 'failed', 'lost', 'cancelled'] as const;
type ListedState = (typeof states)[number];

/** Rows of a table for people. */
const defaultLimit = 1000;

export function addListCommand(sweep: Command): void {
  sweep
    .command('list')
    .argument('[sweep]', 'folder or name of a sweep (default: list the sweeps that you have run)')
    .description('list the points of a sweep, or the sweeps')
    .option('--state <states>', `only points that are in these states: ${states.join(', ')}`)
    .option('--limit <number>', `so many points at most (default: ${defaultLimit}; with --json all)`)
    .option('--json', 'print a line of JSON for each point; of sweeps, one JSON document')
    .addHelpText('after', examples)
    .action((name: string | undefined, options: ListOptions) =>
      act(options.json ?? false, (signal) =>
        name === undefined ? listSweeps(options) : listPoints(name, options, signal),
      ),
    );
}

const examples = `
Examples:
  gva sweep list
  gva sweep list squares --state failed,lost
  gva sweep list squares --json | jq -c 'select(.gva_total_s > 60)'

What ended in the last seconds may not be in it yet while the sweep runs.
Exit status: 0 it was listed; 2 there is no such sweep; 69 it cannot be read.`;

async function listPoints(name: string, options: ListOptions, signal: AbortSignal): Promise<ExitCode> {
  const { findSweep } = await import('../../sweep/observe/find.js');
  const { readRows } = await import('../../sweep/observe/rows.js');
  const { readStatus } = await import('../../sweep/observe/status.js');
  const wanted = options.state === undefined ? undefined : wantedStates(options.state);
  const limit = options.limit === undefined ? undefined : count('--limit', options.limit, 1);
  const { takeIn } = await import('./take-in.js');
  const folder = await findSweep(name);
  await takeIn(folder, signal);
  const stateOf = stateNow(await readStatus(folder));
  const rows = chosen(readRows(folder), stateOf, wanted, signal);
  if (options.json) await printLines(rows, limit ?? Infinity);
  else await printTable(rows, limit ?? defaultLimit);
  return ExitCode.ok;
}

function wantedStates(text: string): ReadonlySet<string> {
  const words = text.split(',').map((word) => word.trim());
  const unknown = words.find((word) => !states.includes(word as ListedState));
  if (unknown === undefined) return new Set(words);
  throw new GvaError('USAGE', `--state ${unknown}: there is no such state`, {
    hint: `States: ${states.join(', ')}`,
  });
}

/** The table is some seconds old; of what runs, the status knows more. */
function stateNow(seen: SeenStatus | undefined): (row: ResultRow) => string {
  const running = new Set(seen?.status.running.map(({ index }) => index));
  return (row) => {
    const state = String(row['gva_state'] ?? 'pending');
    if (running.has(Number(row['gva_point']))) return 'running';
    return state === 'staged' || state === 'running' ? 'pending' : state;
  };
}

async function* chosen(
  rows: AsyncIterable<ResultRow>,
  stateOf: (row: ResultRow) => string,
  wanted: ReadonlySet<string> | undefined,
  signal: AbortSignal,
): AsyncGenerator<ResultRow> {
  for await (const row of rows) {
    signal.throwIfAborted();
    const state = stateOf(row);
    if (wanted?.has(state) ?? true) yield { ...row, gva_state: state };
  }
}

async function printLines(rows: AsyncIterable<ResultRow>, limit: number): Promise<void> {
  const { Reader } = await import('./reader.js');
  const reader = new Reader(process.stdout);
  let number = 0;
  for await (const row of rows)
    if (!(await reader.write(`${JSON.stringify(row)}\n`)) || ++number >= limit) return;
}

async function printTable(rows: AsyncIterable<ResultRow>, limit: number): Promise<void> {
  const { lineWidth, textTable } = await import('./text-table.js');
  const { pointColumns } = await import('./point-columns.js');
  const shown: ResultRow[] = [];
  let more = false;
  for await (const row of rows) {
    more = shown.length === limit;
    if (more) break;
    shown.push(row);
  }
  if (shown.length === 0) console.error('no points');
  else process.stdout.write(textTable(pointColumns(shown), lineWidth(process.stdout)));
  if (more) console.error(`there are more; this shows more: --limit ${limit * 10}`);
}

async function listSweeps({ state, limit, json }: ListOptions): Promise<ExitCode> {
  if (state !== undefined || limit !== undefined)
    throw new GvaError('USAGE', '--state and --limit are for the points of a sweep', {
      hint: 'gva sweep list SWEEP --state failed',
    });
  const { sweepsNow } = await import('./known-list.js');
  const sweeps = await sweepsNow();
  if (json) printJson(sweeps);
  else if (sweeps.length === 0) console.error('no sweeps; run one: gva sweep run PLAN --out DIR');
  else {
    const { lineWidth, textTable } = await import('./text-table.js');
    const { sweepColumns } = await import('./known-list.js');
    process.stdout.write(textTable(sweepColumns(sweeps), lineWidth(process.stdout), 3));
  }
  return ExitCode.ok;
}
