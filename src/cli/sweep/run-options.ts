import { type Command, Option } from 'commander';
import { type KeepKind, keepKinds } from '../../model/keep.js';
import { type PoolChoice, poolChoices } from '../../model/start.js';
import type { InstanceOptions } from '../instance-options.js';
import type { SignatureWish } from '../signature-wish.js';
import type { GridWords } from './grid-options.js';

/** How a sweep is run, whether for the first time or again. */
export interface SweepRunOptions extends InstanceOptions, GridWords, SignatureWish {
  out: string;
  name?: string;
  jobs?: string;
  appliance?: string;
  keep?: KeepKind;
  pool: PoolChoice;
  gather?: boolean;
  yes?: boolean;
  /** False: `--no-cache`. */
  cache: boolean;
  attempts?: string;
  retryFailed?: string;
  retryTimeouts?: boolean;
  maxFailures?: string;
  stopWhen?: string;
  dryRun?: boolean;
  takeOver?: boolean;
  /** Of a grid: leave when all is submitted. */
  detach?: boolean;
}

/** How the process itself goes about it. */
export interface ProcessOptions {
  json?: boolean;
  detach?: boolean;
  /** This is the process in the background. */
  background?: boolean;
}

export const keepOption = () =>
  new Option(
    '--keep <kind>',
    'how the output of a point is kept (default: as the plan says, else files)',
  ).choices(keepKinds);

export const poolOption = () =>
  new Option(
    '--pool <when>',
    'keep guests ready for the next points; auto: while processors have nothing else to do (QEMU, not on a grid)',
  )
    .choices(poolChoices)
    .default('auto');

/** Consent: a plan may be a stranger's. */
export const gatherOption = () =>
  new Option(
    '--gather',
    'let the plan run its gather command on this host, as you, when all points have ended',
  );

/** Options of a command that runs a sweep. */
export function addProcessOptions(command: Command): Command {
  return command
    .option(
      '--detach',
      'run in the background, also when you log out; what it says goes to sweep.log. On a grid: end when all is submitted',
    )
    .option(
      '--take-over',
      'of a gva on another host that was not heard of for two minutes: go on in its place',
    )
    .addOption(new Option('--background').hideHelp())
    .option('--json', 'print what happens as JSON Lines on standard output, the last one a summary');
}
