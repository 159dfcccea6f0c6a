import type { Command } from 'commander';
import type { SweepRequest } from '../../model/sweep-status.js';
import type { SeenStatus } from '../../sweep/observe/status.js';
import { ExitCode, GvaError } from '../../system/errors.js';
import { formatDuration } from '../../system/units.js';
import { act, printJson } from '../action.js';
import { duration } from '../quantities.js';
import { shellWord } from '../../system/shell-word.js';

interface CancelOptions {
  wait: string;
  json?: boolean;
}

export function addCancelCommand(sweep: Command): void {
  sweep
    .command('cancel')
    .argument('<sweep>', 'folder or name of a sweep that runs')
    .argument('[points...]', 'numbers of points, such as 7 or 100-199 (default: the whole sweep)')
    .description('end a sweep that runs, or some of its points: they are cancelled, and what is done is kept')
    .option('--wait <duration>', 'how long to wait until it has ended', '1m')
    .option('--json', 'print how the sweep stands then as one JSON document')
    .addHelpText('after', examples)
    .action((name: string, points: string[], options: CancelOptions) =>
      act(options.json ?? false, (signal) => cancel(name, points, options, signal)),
    );
}

const examples = `
Examples:
  gva sweep cancel squares
  gva sweep cancel squares 17 100-199
  gva sweep cancel squares --wait 2h

Ctrl-C ends the waiting alone: what was asked for stays asked for.
Exit status: 0 it has ended; 2 it does not run; 69 it has not ended within the time; 130 interrupted.`;

async function cancel(name: string, words: string[], options: CancelOptions, signal: AbortSignal) {
  const { findSweep } = await import('../../sweep/observe/find.js');
  const { putRequest, untilTaken } = await import('../../sweep/observe/requests.js');
  const wait = duration('--wait', options.wait);
  const folder = await findSweep(name);
  if (await cancelledJobs(folder, words, wait, signal)) return await showCancelled(folder, words, options);
  const points = await requestedPoints(folder, words);
  await untilTaken(await putRequest(folder, { request: 'cancel', points }), signal);
  const seen = await untilCancelled(folder, points, wait, signal);
  if (options.json) printJson({ folder, ...seen.status });
  else if (points === 'all') console.error(`${folder}: ${seen.status.state}`);
  else console.error(`${points.length} ${points.length === 1 ? 'point' : 'points'} cancelled`);
  return ExitCode.ok;
}

/** Jobs of a grid that go on while no process has the sweep's folder. @returns whether there were any */
async function cancelledJobs(
  folder: string,
  words: readonly string[],
  wait: number,
  signal: AbortSignal,
): Promise<boolean> {
  const { takeIn } = await import('./take-in.js');
  const { requireStatus } = await import('../../sweep/observe/status.js');
  const { pointNumbers } = await import('./point-numbers.js');
  const { status, owner } = await requireStatus(folder);
  if (owner !== 'none') return false;
  const points = words.length === 0 ? 'all' : pointNumbers(words, status.points);
  const timeout = AbortSignal.timeout(milliseconds(wait));
  try {
    return await takeIn(folder, AbortSignal.any([signal, timeout]), { cancel: points });
  } catch (error) {
    if (signal.aborted || !timeout.aborted) throw error;
    throw stillRunning(folder, wait);
  }
}

async function showCancelled(
  folder: string,
  words: readonly string[],
  { json = false }: CancelOptions,
): Promise<ExitCode> {
  const { requireStatus } = await import('../../sweep/observe/status.js');
  const { status } = await requireStatus(folder);
  if (json) printJson({ folder, ...status });
  else console.error(words.length > 0 ? `cancelled: ${words.join(' ')}` : `${folder}: ${status.state}`);
  return ExitCode.ok;
}

/** What a timer can wait for, at most. */
const milliseconds = (seconds: number) => Math.min(seconds, 2 ** 31 / 1000 - 1) * 1000;

type CancelledPoints = Extract<SweepRequest, { request: 'cancel' }>['points'];

async function requestedPoints(folder: string, words: readonly string[]): Promise<CancelledPoints> {
  const { requireStatus } = await import('../../sweep/observe/status.js');
  const { pointNumbers } = await import('./point-numbers.js');
  const { status, ended } = await requireStatus(folder);
  if (ended)
    throw new GvaError('SWEEP_NOT_RUNNING', `the sweep in ${folder} does not run: it is ${status.state}`, {
      hint: 'There is nothing to cancel.',
    });
  return words.length === 0 ? 'all' : pointNumbers(words, status.points);
}

/** Waits until the sweep has ended, or none of the points runs by a status that was written after they were taken up. */
async function untilCancelled(
  folder: string,
  points: CancelledPoints,
  wait: number,
  signal: AbortSignal,
): Promise<SeenStatus> {
  const { followStatus } = await import('../../sweep/observe/status.js');
  const timeout = AbortSignal.timeout(milliseconds(wait));
  const wanted = new Set(points === 'all' ? [] : points);
  let first: string | undefined;
  try {
    for await (const seen of followStatus(folder, AbortSignal.any([signal, timeout]), 0.2)) {
      const { running, at } = seen.status;
      first ??= at;
      const newer = at !== first;
      if (seen.ended || (points !== 'all' && newer && !running.some(({ index }) => wanted.has(index))))
        return seen;
    }
  } catch (error) {
    if (signal.aborted || !timeout.aborted) throw error;
  }
  throw stillRunning(folder, wait);
}

const stillRunning = (folder: string, wait: number) =>
  new GvaError('SWEEP_STILL_RUNNING', `what was running has not ended within ${formatDuration(wait)}`, {
    exitCode: ExitCode.infrastructure,
    hint: `It was asked to end. Follow it: gva sweep watch ${shellWord(folder)}`,
  });
