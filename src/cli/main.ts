import { Command } from 'commander';
import { packageVersion } from '../system/package.js';
import { addBaseCommand } from './base/command.js';
import { addCompletionCommand } from './completion/command.js';
import { addCompareCommand } from './compare.js';
import { addConvertCommand } from './convert.js';
import { addDoctorCommand } from './doctor.js';
import { addExtractCommand } from './extract.js';
import { addEnvCommand } from './env.js';
import { addGvadCommand } from './gvad.js';
import { addGridSpoolCommand } from './grid-spool.js';
import { addInitCommand } from './init.js';
import { addInspectCommand } from './inspect.js';
import { addLsCommand } from './ls.js';
import { addPackCommand } from './pack.js';
import { addGetCommand, addPutCommand } from './channel/copy.js';
import { addExecCommand } from './channel/exec.js';
import { addInsertCommand } from './channel/insert.js';
import { addSnapshotCommand } from './channel/snapshot.js';
import {
  addShutdownCommand,
  addStatCommand,
  addStopEarlyCommand,
  addTimeSyncCommand,
} from './channel/state.js';
import { addCheckpointCommand, addPsCommand } from './checkpoint.js';
import { addPlanCommand } from './plan.js';
import { addReportCommand } from './report/command.js';
import { addResumeCommand } from './resume.js';
import { addRunCommand } from './run.js';
import { addServeCommand } from './serve/command.js';
import { addSweepCommand } from './sweep/command.js';
import { addUnpackCommand } from './unpack.js';

/** All commands; `start.ts` runs them. */
export const program = new Command('gva')
  .description('Runs a batch program as a virtual appliance, many times, each with its own parameters.')
  .version(packageVersion())
  .option('--verbose', 'with --version: what GVA is made of and finds here; or --json')
  .showHelpAfterError('Try --help.')
  .configureHelp({ showGlobalOptions: true })
  .exitOverride()
  .addHelpText(
    'after',
    `
Examples:
  gva init square                     make an appliance folder that works
  gva run square --param n=12         run it once, results in square-1/
  gva sweep run square/plan.yaml -j 2 --out squares
  gva pack square                     an OVA for every hypervisor: square.ova

Exit status of every command: 0 all good, 1 the application failed, 2 wrong usage or input, 69 the infrastructure failed,
130 interrupted; 143 saved, or a job of a grid that was told to end.`,
  );

program.commandsGroup('To begin with:');
addInitCommand(program);
addDoctorCommand(program);
addRunCommand(program);
addPlanCommand(program);
addSweepCommand(program);

program.commandsGroup('What comes of it:');
addServeCommand(program);
addReportCommand(program);
addCompareCommand(program);

program.commandsGroup('Instances that run:');
addPsCommand(program);
addExecCommand(program);
addPutCommand(program);
addGetCommand(program);
addInsertCommand(program);
addSnapshotCommand(program);
addStatCommand(program);
addStopEarlyCommand(program);
addShutdownCommand(program);
addTimeSyncCommand(program);
addCheckpointCommand(program);
addResumeCommand(program);

program.commandsGroup('Packages and disks:');
addPackCommand(program);
addInspectCommand(program);
addUnpackCommand(program);
addConvertCommand(program);
addEnvCommand(program);
addLsCommand(program);
addExtractCommand(program);

program.commandsGroup('What guests boot, and your shell:');
addBaseCommand(program);
addGvadCommand(program);
addCompletionCommand(program);
addGridSpoolCommand(program);
