import type { Command } from 'commander';
import type { Comparison } from '../report/compare.js';
import { ExitCode, GvaError } from '../system/errors.js';
import { act, printJson } from './action.js';

interface CompareOptions {
  tolerance: string;
  limit: string;
  json?: boolean;
}

export function addCompareCommand(program: Command): void {
  program
    .command('compare')
    .argument('<first>', 'folder or name of a sweep')
    .argument('<second>', 'folder or name of another one')
    .description('tell where the results of two sweeps differ, point by point')
    .option('--tolerance <part>', 'numbers that differ by no more than this part of them are equal', '0')
    .option('--limit <number>', 'differing points that are told one by one', '20')
    .option('--json', 'print it as one JSON document')
    .addHelpText('after', examples)
    .action((first: string, second: string, options: CompareOptions) =>
      act(options.json ?? false, (signal) => compare(first, second, options, signal)),
    );
}

const examples = `
Examples:
  gva compare before after
  gva compare before after --tolerance 1e-9
  gva compare before after --json | jq .durations

Points are joined by the values of the parameters that both sweeps have. How long they took is told, and is no difference.
Exit status: 0 all points are in both and have the same state and results; 1 they differ; 2 there is no such sweep, or
they cannot be compared; 69 one cannot be read.`;

async function compare(
  firstName: string,
  secondName: string,
  { tolerance, limit, json = false }: CompareOptions,
  signal: AbortSignal,
): Promise<ExitCode> {
  const { count } = await import('./quantities.js');
  const { compareTables, NotComparable } = await import('../report/compare.js');
  const part = tolerance.trim() === '' ? NaN : Number(tolerance);
  if (!(part >= 0 && part < 1))
    throw new GvaError('USAGE', `--tolerance ${tolerance} is no part from 0 to below 1`, {
      hint: 'Example: --tolerance 1e-9',
    });
  const listed = count('--limit', limit, 0);
  const first = await openTable(firstName, signal);
  const second = await openTable(secondName, signal);
  try {
    const comparison = compareTables(first, second, { tolerance: part, listed });
    if (json) printJson(comparison);
    else {
      const { comparisonText } = await import('./compare-view.js');
      process.stdout.write(comparisonText(comparison));
    }
    return exitCodeOf(comparison);
  } catch (error) {
    if (!(error instanceof NotComparable)) throw error;
    throw new GvaError('NOT_COMPARABLE', `the sweeps cannot be compared: ${error.message}`);
  }
}

const exitCodeOf = ({ equal }: Comparison) => (equal ? ExitCode.ok : ExitCode.application);

async function openTable(name: string, signal: AbortSignal) {
  const { findSweep } = await import('../sweep/observe/find.js');
  const { readManifest } = await import('../sweep/observe/manifest.js');
  const { takeIn } = await import('./sweep/take-in.js');
  const { readTable } = await import('./report/collect.js');
  const folder = await findSweep(name);
  await takeIn(folder, signal);
  return readTable(folder, await readManifest(folder), signal);
}
