import { join } from 'node:path';
import type { Command } from 'commander';
import { ExitCode, GvaError } from '../../system/errors.js';
import { act } from '../action.js';

interface LogsOptions {
  stderr?: boolean;
  console?: boolean;
  events?: boolean;
}

export function addLogsCommand(sweep: Command): void {
  sweep
    .command('logs')
    .argument('<sweep>', 'folder or name of a sweep')
    .argument('<point>', 'number of a point that has ended')
    .description('print what the scripts of a point wrote to standard output')
    .option('--stderr', 'what they wrote to standard error')
    .option('--console', "the last 64 KiB of the guest's console")
    .option('--events', 'the event stream, as JSON Lines')
    .addHelpText('after', examples)
    .action((name: string, point: string, options: LogsOptions) =>
      act(false, (signal) => printLogs(name, point, options, signal)),
    );
}

const examples = `
Examples:
  gva sweep logs squares 17
  gva sweep logs squares 17 --stderr | less
  gva sweep logs squares 17 --events | jq .event

Control characters are replaced, so that no guest plays tricks on your terminal; the files themselves are below
points/ in the folder of the sweep.
Exit status: 0 it was printed, if only as nothing; 2 there is no such point, or it has no results.`;

async function printLogs(name: string, word: string, options: LogsOptions, signal: AbortSignal) {
  const { findSweep } = await import('../../sweep/observe/find.js');
  const { pointFolder, resultFiles } = await import('../../system/paths.js');
  const { createReadStream, existsSync } = await import('node:fs');
  const { count } = await import('../quantities.js');
  if ([options.stderr, options.console, options.events].filter(Boolean).length > 1)
    throw new GvaError('USAGE', 'only one of --stderr, --console and --events can be printed at once');
  const index = count('point', word, 0);
  const folder = await findSweep(name);
  const point = pointFolder(folder, index);
  if (!existsSync(join(point, resultFiles.result))) throw await noResult(folder, index);
  const plain = options.console ? resultFiles.console : options.events ? resultFiles.events : undefined;
  if (plain !== undefined) await print(createReadStream(join(point, plain)), signal);
  else for await (const text of scriptOutputs(point, options.stderr ?? false)) await print(text, signal);
  return ExitCode.ok;
}

/** What each script said, one after another, however the output is kept. */
async function* scriptOutputs(point: string, stderr: boolean): AsyncGenerator<AsyncIterable<Buffer>> {
  const { readFile } = await import('node:fs/promises');
  const { readKept } = await import('../../sweep/results/kept.js');
  const { logNames } = await import('../../sweep/observe/scripts.js');
  const { resultFiles } = await import('../../system/paths.js');
  const names = logNames(await readFile(join(point, resultFiles.result), 'utf8'));
  for (const name of names) yield readKept(point, `.gva/${name}.${stderr ? 'stderr' : 'stdout'}`);
}

async function print(chunks: AsyncIterable<unknown>, signal: AbortSignal): Promise<void> {
  const { printable } = await import('../../vmm/console-ring.js');
  const { Reader } = await import('./reader.js');
  const decoder = new TextDecoder();
  const reader = new Reader(process.stdout);
  for await (const chunk of chunks) {
    signal.throwIfAborted();
    // A carriage return before a line end is the console's own.
    const text = decoder.decode(chunk as Buffer, { stream: true }).replaceAll('\r\n', '\n');
    if (!(await reader.write(printable(text)))) return;
  }
  await reader.write(printable(decoder.decode()));
}

async function noResult(folder: string, index: number): Promise<GvaError> {
  const { readStatus } = await import('../../sweep/observe/status.js');
  const seen = await readStatus(folder).catch(() => undefined);
  const running = seen?.status.running.find((point) => point.index === index);
  if (running)
    return new GvaError(
      'POINT_RUNNING',
      `point ${index} is running (${running.phase}); its logs come at its end`,
    );
  const points = seen?.status.points ?? Infinity;
  if (index >= points)
    return new GvaError('POINT_UNKNOWN', `there is no point ${index}: the sweep has ${points}, from 0 on`);
  return new GvaError('POINT_NO_RESULT', `point ${index} has no results`, {
    hint: 'It was not run yet, or could not be: gva sweep list says why',
  });
}
