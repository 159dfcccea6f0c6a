import type { Command } from 'commander';
import type { FailedPoint } from '../../model/sweep-status.js';
import type { SeenStatus } from '../../sweep/observe/status.js';
import { ExitCode } from '../../system/errors.js';
import { act } from '../action.js';

export function addWatchCommand(sweep: Command): void {
  sweep
    .command('watch')
    .argument('<sweep>', 'folder or name of a sweep')
    .description('follow a sweep until it ends; Ctrl-C ends the watching, not the sweep')
    .option('--json', 'print events as JSON Lines')
    .addHelpText('after', examples)
    .action((name: string, { json = false }: { json?: boolean }) =>
      act(json, (signal) => watch(name, json, signal)),
    );
}

const examples = `
Examples:
  gva sweep watch squares
  gva sweep watch squares --json | jq -r 'select(.event == "point") | .index'

Events: "status" whenever it changes (as in status.json), "point" for one that ended otherwise than done, "end".

Exit status, as of gva sweep run: 0 all points done, 1 the application failed at some, 69 some were lost or the sweep
was stopped, 2 wrong usage, 130 interrupted.`;

interface Watcher {
  see(seen: SeenStatus, news: readonly FailedPoint[]): void;
}

async function watch(name: string, json: boolean, signal: AbortSignal): Promise<ExitCode> {
  const { findSweep } = await import('../../sweep/observe/find.js');
  const { followStatus } = await import('../../sweep/observe/status.js');
  const { LineWatcher, EventWatcher, LiveWatcher } = await import('./watchers.js');
  const { failureNews } = await import('./failure-news.js');
  const { takeInNowAndThen } = await import('./take-in.js');
  const folder = await findSweep(name);
  const live = process.stdout.isTTY && process.env['TERM'] !== 'dumb';
  const watcher: Watcher = json
    ? new EventWatcher(process.stdout)
    : live
      ? new LiveWatcher(process.stdout, folder)
      : new LineWatcher(process.stdout);
  const newFailures = failureNews();
  let last: SeenStatus | undefined;
  for await (last of followStatus(folder, signal, undefined, takeInNowAndThen(folder, signal)))
    watcher.see(last, newFailures(last.status.failures));
  return last ? exitCodeOf(last) : ExitCode.infrastructure;
}

function exitCodeOf({ status: { state, counts, gathered } }: SeenStatus): ExitCode {
  if (state !== 'finished' || counts.lost > 0 || gathered?.state === 'lost') return ExitCode.infrastructure;
  return counts.failed > 0 || gathered?.state === 'failed' ? ExitCode.application : ExitCode.ok;
}
