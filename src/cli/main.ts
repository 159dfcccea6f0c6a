import { Command, CommanderError } from 'commander';
import { ExitCode, errnoOf } from '../system/errors.js';
import { mark } from '../system/profile.js';
import { packageVersion } from '../system/paths.js';
import { addBaseCommand } from './base/command.js';
import { addCompareCommand } from './compare.js';
import { addConvertCommand } from './convert.js';
import { addDoctorCommand } from './doctor.js';
import { addExtractCommand } from './extract.js';
import { addEnvCommand } from './env.js';
import { addGvadCommand } from './gvad.js';
import { addInitCommand } from './init.js';
import { addInspectCommand } from './inspect.js';
import { addLsCommand } from './ls.js';
import { addPackCommand } from './pack.js';
import { addGetCommand, addPutCommand } from './channel/copy.js';
import { addExecCommand } from './channel/exec.js';
import { addShutdownCommand, addStatCommand, addTimeSyncCommand } from './channel/state.js';
import { addCheckpointCommand, addPsCommand } from './checkpoint.js';
import { addPlanCommand } from './plan.js';
import { addReportCommand } from './report/command.js';
import { addResumeCommand } from './resume.js';
import { addRunCommand } from './run.js';
import { addServeCommand } from './serve/command.js';
import { addSweepCommand } from './sweep/command.js';
import { addUnpackCommand } from './unpack.js';

mark('Node started');

// A reader that goes away (`gva ... | head`) must not end a run: its results are in files.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error) => {
    if (errnoOf(error) !== 'EPIPE') throw error;
  });

const program = new Command('gva')
  .description('Runs a batch program as a virtual appliance, many times, each with its own parameters.')
  .version(packageVersion())
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
  gva pack square                     an OVA for every hypervisor: square.ova`,
  );
addInitCommand(program);
addRunCommand(program);
addResumeCommand(program);
addCheckpointCommand(program);
addPsCommand(program);
addExecCommand(program);
addPutCommand(program);
addGetCommand(program);
addStatCommand(program);
addShutdownCommand(program);
addTimeSyncCommand(program);
addPlanCommand(program);
addSweepCommand(program);
addServeCommand(program);
addReportCommand(program);
addCompareCommand(program);
addPackCommand(program);
addInspectCommand(program);
addUnpackCommand(program);
addConvertCommand(program);
addEnvCommand(program);
addLsCommand(program);
addExtractCommand(program);
addBaseCommand(program);
addGvadCommand(program);
addDoctorCommand(program);

try {
  await program.parseAsync();
} catch (error) {
  // The library has said what is wrong; actions of ours handle their own errors.
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? ExitCode.ok : ExitCode.usage;
}
