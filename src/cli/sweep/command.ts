import type { Command } from 'commander';
import { type SweepActions, sweepActions } from './actions.js';
import { addCancelCommand } from './cancel.js';
import { addGatherCommand } from './gather.js';
import { addListCommand } from './list.js';
import { addLogsCommand } from './logs.js';
import { addRebuildCommand } from './rebuild.js';
import { addResultsCommand } from './results.js';
import { addResumeCommand } from './resume.js';
import { addRetryCommand } from './retry.js';
import { addRmCommand } from './rm.js';
import { addRunCommand } from './run.js';
import { addStatusCommand } from './status.js';
import { addWatchCommand } from './watch.js';

export function addSweepCommand(program: Command, { rebuild }: SweepActions = sweepActions): void {
  const sweep = program
    .command('sweep')
    .description('one instance for each point of a plan')
    .addHelpText('after', examples);
  addRunCommand(sweep);
  addStatusCommand(sweep);
  addWatchCommand(sweep);
  addListCommand(sweep);
  addLogsCommand(sweep);
  addResultsCommand(sweep);
  addCancelCommand(sweep);
  addRetryCommand(sweep);
  addResumeCommand(sweep);
  addGatherCommand(sweep);
  addRmCommand(sweep);
  addRebuildCommand(sweep, rebuild);
}

const examples = `
Examples:
  gva sweep run square/plan.yaml --out squares --detach
  gva sweep watch squares
  gva sweep list squares --state failed,lost
  gva sweep results squares --format parquet -o squares.parquet

A sweep is named by its folder, or by its name: what run's --name said, else the last part of the folder's path.`;
