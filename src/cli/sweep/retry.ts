import type { Command } from 'commander';
import type { SweepRequest } from '../../model/sweep-status.js';
import { ExitCode, GvaError } from '../../system/errors.js';
import { act, printJson } from '../action.js';
import { shellWord } from '../../system/shell-word.js';

interface RetryOptions {
  failed?: boolean;
  lost?: boolean;
  json?: boolean;
}

type RetriedPoints = Extract<SweepRequest, { request: 'retry' }>['points'];

export function addRetryCommand(sweep: Command): void {
  sweep
    .command('retry')
    .argument('<sweep>', 'folder or name of a sweep that runs')
    .argument('[points...]', 'numbers of points, such as 7 or 100-199')
    .description('have a sweep that runs do points again')
    .option('--failed', 'all points at which the application failed')
    .option('--lost', 'all points that the infrastructure lost')
    .option('--json', 'print what was asked for as one JSON document')
    .addHelpText('after', examples)
    .action((name: string, points: string[], options: RetryOptions) =>
      act(options.json ?? false, (signal) => retry(name, points, options, signal)),
    );
}

const examples = `
Examples:
  gva sweep retry squares --failed
  gva sweep retry squares 17 100-199
  gva sweep resume squares          # of a sweep that does not run: all points that are not done

Exit status: 0 the sweep has taken it up; 2 it does not run; 69 it does not answer; 130 interrupted.`;

async function retry(name: string, words: string[], options: RetryOptions, signal: AbortSignal) {
  const { findSweep } = await import('../../sweep/observe/find.js');
  const { requireStatus } = await import('../../sweep/observe/status.js');
  const { putRequest, untilTaken } = await import('../../sweep/observe/requests.js');
  const { pointNumbers } = await import('./point-numbers.js');
  const state = wantedState(words, options);
  const folder = await findSweep(name);
  const { status, ended, owner } = await requireStatus(folder);
  if (ended || owner === 'none') throw notRunning(folder, status.state);
  const points: RetriedPoints = state ?? pointNumbers(words, status.points);
  await untilTaken(await putRequest(folder, { request: 'retry', points }), signal);
  if (options.json) printJson({ folder, request: 'retry', points });
  else console.error(`asked for: ${state === undefined ? words.join(' ') : `all ${state} points`}`);
  return ExitCode.ok;
}

function wantedState(
  words: readonly string[],
  { failed, lost }: RetryOptions,
): 'failed' | 'lost' | undefined {
  if ([words.length > 0, failed, lost].filter(Boolean).length !== 1)
    throw new GvaError('USAGE', 'say which points: numbers, --failed or --lost', {
      hint: 'For example: gva sweep retry squares --failed',
    });
  return failed ? 'failed' : lost ? 'lost' : undefined;
}

const notRunning = (folder: string, state: string) =>
  new GvaError('SWEEP_NOT_RUNNING', `the sweep in ${folder} does not run: it is ${state}`, {
    hint: `This runs all points again that are not done: gva sweep resume ${shellWord(folder)}`,
  });
