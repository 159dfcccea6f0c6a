import type { Command } from 'commander';
import { ExitCode } from '../../system/errors.js';
import { act, printJson } from '../action.js';
import type { SweepActions } from './actions.js';

export function addRebuildCommand(sweep: Command, rebuild: SweepActions['rebuild']): void {
  sweep
    .command('rebuild')
    .argument('<sweep>', 'folder or name of a sweep that does not run')
    .description('make the store of a sweep anew from its result files, where it cannot be read')
    .option('--json', 'print the number of results as one JSON document')
    .addHelpText('after', examples)
    .action((name: string, { json = false }: { json?: boolean }) =>
      act(json, async (signal) => {
        const { findSweep } = await import('../../sweep/observe/find.js');
        const folder = await findSweep(name);
        const results = await rebuild(folder, signal);
        if (json) printJson({ folder, results });
        else console.error(`the store is made anew from ${results} results`);
        return ExitCode.ok;
      }),
    );
}

const examples = `
Examples:
  gva sweep rebuild squares
  gva sweep rebuild squares && gva sweep resume squares`;
