import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { SweepManifest } from '../../model/sweep.js';
import type { GatherWish } from '../../sweep/plan/read/outputs.js';
import { type ExitCode, GvaError } from '../../system/errors.js';
import { act, printJson } from '../action.js';
import { type InstanceOptions, addInstanceOptions, instanceLimits } from '../instance-options.js';

interface GatherOptions extends InstanceOptions {
  command?: string;
  appliance?: string;
}

export function addGatherCommand(sweep: Command): void {
  const gather = sweep
    .command('gather')
    .argument('<sweep>', 'folder or name of a sweep that does not run')
    .description('run the gather step of a sweep, again or another one, on the results as they are')
    .option('-c, --command <command>', 'shell command to run on this host, in the folder of the sweep')
    .option('-a, --appliance <dir>', 'appliance (folder or package) that gets all outputs as its data disk');
  addInstanceOptions(gather)
    .option('--json', 'print how it ended as one JSON document')
    .addHelpText('after', examples)
    .action((name: string, options: GatherOptions) =>
      act(options.json ?? false, (signal) => gatherSweep(name, options, signal)),
    );
}

const examples = `
Examples:
  gva sweep gather squares                                  # as its plan says
  gva sweep gather squares --appliance ./sum                # /data has results.csv and points/
  gva sweep gather squares --command 'cut -d, -f2,14 "$GVA_RESULTS" > all.csv'

A command runs as you, with all that you may do: look at that of a plan that is not yours before you run it.
What it says goes to gather.log in the folder of the sweep, the output of an appliance to gather/output/.

Exit status: 0 it was done, 1 it failed, 2 wrong usage or input, 69 the infrastructure failed, 130 interrupted.`;

async function gatherSweep(name: string, options: GatherOptions, signal: AbortSignal): Promise<ExitCode> {
  const { findSweep } = await import('../../sweep/observe/find.js');
  const { gatherEnded } = await import('../../sweep/gather-ended.js');
  const { baseChoice } = await import('../base-choice.js');
  const { openGatherStep } = await import('../../library/gather-step.js');
  const { exitCodeOfGathered, showOutcome } = await import('./gather-view.js');
  const { gatherTitle } = await import('../../sweep/gather.js');
  const { printable } = await import('../../vmm/console-ring.js');

  const folder = await findSweep(name);
  const quiet = options.json ?? false;
  const limits = instanceLimits(options);
  const gathered = await gatherEnded(
    folder,
    async (manifest) => {
      const wish = await wishOf(manifest, folder, options, signal);
      const step = await openGatherStep(wish, options, { base: baseChoice(options, signal), limits, signal });
      if (!quiet) console.error(`gathering: ${printable(gatherTitle(step))}`);
      return step;
    },
    signal,
  );
  await showOutcome(gathered, quiet);
  if (quiet) printJson({ folder: resolve(folder), gathered });
  return exitCodeOfGathered(gathered);
}

async function wishOf(
  { gather }: Pick<SweepManifest, 'gather'>,
  folder: string,
  { command, appliance, deploymentOption }: GatherOptions,
  signal: AbortSignal,
): Promise<GatherWish> {
  if (command !== undefined && appliance !== undefined)
    throw new GvaError('USAGE', 'either --command or --appliance can be given');
  if (command?.trim() === '') throw new GvaError('USAGE', '--command is empty');
  if (command !== undefined) return { kind: 'command', command };
  const place = appliance ?? (gather && 'appliance' in gather ? gather.appliance : undefined);
  if (place !== undefined) {
    const { loadSource } = await import('../../appliance/source.js');
    return {
      kind: 'appliance',
      source: await loadSource(place, { configuration: deploymentOption, signal }),
    };
  }
  if (gather && 'command' in gather) return { kind: 'command', command: gather.command };
  throw new GvaError('GATHER_UNKNOWN', `the plan of the sweep in ${folder} has no gather step`, {
    hint: 'Say what is to gather: --appliance DIR or --command CMD',
  });
}
