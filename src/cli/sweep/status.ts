import type { Command } from 'commander';
import { ExitCode } from '../../system/errors.js';
import { act, printJson } from '../action.js';

export function addStatusCommand(sweep: Command): void {
  sweep
    .command('status')
    .argument('<sweep>', 'folder or name of a sweep')
    .description('show how a sweep stands, while it runs and after')
    .option('--json', 'print it as one JSON document')
    .addHelpText('after', examples)
    .action((name: string, { json = false }: { json?: boolean }) =>
      act(json, (signal) => showStatus(name, json, signal)),
    );
}

const examples = `
Examples:
  gva sweep status squares
  gva sweep status squares --json | jq .counts.done

Of a sweep whose jobs run on a grid while no gva does, what they have done is taken in first.

Exit status: 0 the sweep's status was shown, whatever it is; 2 there is no such sweep; 69 it cannot be read.`;

async function showStatus(name: string, json: boolean, signal: AbortSignal): Promise<ExitCode> {
  const { findSweep } = await import('../../sweep/observe/find.js');
  const { requireStatus } = await import('../../sweep/observe/status.js');
  const { takeIn } = await import('./take-in.js');
  const folder = await findSweep(name);
  await takeIn(folder, signal);
  const seen = await requireStatus(folder);
  if (json) printJson({ folder, owner: seen.owner, ...seen.status });
  else {
    const { statusLines } = await import('./status-text.js');
    const { cutLine } = await import('./live-block.js');
    const stream: { readonly columns?: number } = process.stdout;
    for (const line of statusLines(seen, folder)) console.log(cutLine(line, stream.columns ?? Infinity));
  }
  return ExitCode.ok;
}
