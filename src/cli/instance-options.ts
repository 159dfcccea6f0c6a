import { type Command, Option } from 'commander';
import type { StartWish } from '../instance/start.js';
import type { InstanceSpec } from '../instance/instance-spec.js';
import type { ChosenVmm } from '../vmm/choose.js';
import type { WatchLimits } from '../instance/watch.js';
import { type StartChoice, startChoices } from '../model/start.js';
import { type Appliance, type ParameterMedium, parameterMedia } from '../model/appliance.js';
import { GvaError } from '../system/errors.js';
import { CHOOSE } from './base-choice.js';
import { duration } from './quantities.js';

/** What may be said of an instance, whichever command runs it. */
export interface InstanceOptions {
  vmm: string;
  /** A folder. */
  qemu?: string;
  deploymentOption?: string;
  start: StartChoice;
  paramsOn?: ParameterMedium;
  timeout?: string;
  bootTimeout: string;
  keepDisks?: boolean;
  checkpointEvery?: string;
  collectEvery?: string;
  force?: boolean;
  choose?: boolean;
  json?: boolean;
}

export function addInstanceOptions(command: Command): Command {
  const vmm = new Option('--vmm <name>', 'virtual machine monitor').choices(['auto', 'qemu', 'uml']);
  const start = new Option('--start <how>', 'warm: from a guest that was booted before and saved (QEMU)');
  const medium = new Option(
    '--params-on <medium>',
    'what parameters come on (default: as gva.yaml says, else cd)',
  );
  return command
    .addOption(vmm.default('auto'))
    .addOption(start.choices(startChoices).default('auto'))
    .option('--qemu <dir>', 'folder with a QEMU of your own (its --prefix)')
    .option(...CHOOSE)
    .option('--deployment-option <id>', 'hardware to choose, where the appliance offers several')
    .addOption(medium.choices(parameterMedia))
    .option('--timeout <duration>', 'end an instance after this time: 90s, 15m, 2h (default: none)')
    .option('--boot-timeout <duration>', 'give an instance up if its guest has not started by then', '2m')
    .option('--keep-disks', 'keep the disks as the guest left them, with the results')
    .option('--checkpoint-every <duration>', 'save running instances so often, to go on from there (QEMU)')
    .option(
      '--collect-every <duration>',
      'bring the output home so often while instances run (not on a grid)',
    );
}

/** The limits of an instance's life that `--timeout` and `--boot-timeout` set. */
export function instanceLimits(options: Pick<InstanceOptions, 'timeout' | 'bootTimeout'>): WatchLimits {
  const { timeout, bootTimeout } = options;
  return {
    boot: duration('--boot-timeout', bootTimeout),
    total: timeout === undefined ? undefined : duration('--timeout', timeout),
    powerOff: 30,
  };
}

/** Seconds between checkpoints; undefined where there are to be none. */
export function checkpointInterval({
  checkpointEvery,
  keepDisks = false,
}: Pick<InstanceOptions, 'checkpointEvery' | 'keepDisks'>): number | undefined {
  if (checkpointEvery === undefined) return undefined;
  if (keepDisks)
    throw new GvaError('USAGE', '--checkpoint-every does not go with --keep-disks', {
      hint: 'After a checkpoint the disks are no longer as the guest found them, but in layers.',
    });
  return duration('--checkpoint-every', checkpointEvery);
}

/**
 * Seconds after which the output of a running instance is brought home, again and again; undefined where it is not. An
 * instance has checkpoints or this: what an appliance says of it gives way.
 *
 * @throws GvaError USAGE
 */
export function collectInterval(
  { collectEvery, checkpointEvery }: Pick<InstanceOptions, 'collectEvery' | 'checkpointEvery'>,
  appliance: Pick<Appliance, 'collectEvery'>,
): number | undefined {
  if (collectEvery !== undefined && checkpointEvery !== undefined)
    throw new GvaError('USAGE', '--collect-every does not go with --checkpoint-every', {
      hint: 'Of an instance that has a control channel there can be no checkpoints.',
    });
  if (checkpointEvery !== undefined) return undefined;
  return collectEvery === undefined ? appliance.collectEvery : duration('--collect-every', collectEvery);
}

/** @throws GvaError CHECKPOINTS_NONE */
export async function mustSave(
  spec: Pick<InstanceSpec, 'prepared' | 'keepDisks'>,
  { driver }: Pick<ChosenVmm, 'driver'>,
): Promise<void> {
  const { noCheckpoints } = await import('../instance/checkpoint/saveable.js');
  const why = noCheckpoints(spec, driver);
  if (why === undefined) return;
  throw new GvaError('CHECKPOINTS_NONE', `there can be no checkpoints of this instance: ${why}`, {
    hint: 'Leave out --checkpoint-every, or use --vmm qemu.',
  });
}

/** How instances are to be started; `say` is told of what takes long. */
export async function startWish(choice: StartChoice, say: (text: string) => void): Promise<StartWish> {
  const { Templates } = await import('../instance/template/templates.js');
  return { choice, make: 'never', templates: new Templates(say) };
}
