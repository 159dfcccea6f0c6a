import type { Command } from 'commander';
import { Option } from 'commander';
import { ExitCode, GvaError } from '../../system/errors.js';
import { act } from '../action.js';

const formats = ['csv', 'jsonl', 'parquet'] as const;

interface ResultsOptions {
  format: (typeof formats)[number];
  output?: string;
  force?: boolean;
}

export function addResultsCommand(sweep: Command): void {
  sweep
    .command('results')
    .argument('<sweep>', 'folder or name of a sweep')
    .description('print the table of results as it was written last, a row for each point of the plan')
    .addOption(new Option('--format <format>', 'format of the table').choices(formats).default('csv'))
    .option('-o, --output <file>', 'write it to a file, which appears whole or not at all')
    .option('--force', 'replace the file')
    .addHelpText('after', examples)
    .action((name: string, options: ResultsOptions) =>
      act(false, (signal) => printResults(name, options, signal)),
    );
}

const examples = `
Examples:
  gva sweep results squares > squares.csv
  gva sweep results squares --format jsonl | jq .gva_state
  gva sweep results squares --format parquet -o squares.parquet

What ended in the last seconds may not be in it yet while the sweep runs.
Exit status: 0 it was printed; 2 there is no such sweep; 69 there is no table yet, or it cannot be written.`;

async function printResults(name: string, options: ResultsOptions, signal: AbortSignal): Promise<ExitCode> {
  const { findSweep } = await import('../../sweep/observe/find.js');
  const { exportResults, printKept } = await import('../../sweep/observe/export.js');
  const { format, output, force = false } = options;
  const { takeIn } = await import('./take-in.js');
  const folder = await findSweep(name);
  await takeIn(folder, signal);
  if (output !== undefined) await exportResults(folder, format, output, { force, signal });
  else if (format !== 'parquet') await printKept(folder, format, process.stdout, signal);
  else
    throw new GvaError('USAGE', 'a Parquet file is written to a file, not printed', {
      hint: `gva sweep results ${name} --format parquet -o results.parquet`,
    });
  return ExitCode.ok;
}
