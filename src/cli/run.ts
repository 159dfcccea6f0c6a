import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import type { InstanceResult } from '../model/result.js';
import type { Placement } from '../vmm/driver.js';
import { checkpointFolder } from '../system/paths.js';
import { ExitCode, GvaError } from '../system/errors.js';
import { mark, profileTable } from '../system/profile.js';
import { act, actAsJob, printJson, repeatable } from './action.js';
import {
  type InstanceOptions,
  addInstanceOptions,
  checkpointInterval,
  collectInterval,
  instanceLimits,
  mustSave,
  startWish,
} from './instance-options.js';
import { type LimitOptions, addLimitOptions, packageLimits } from './package-limits.js';
import {
  type SignatureWish,
  applySignatureWish,
  checkSignatureWish,
  requireSignature,
} from './signature-wish.js';

interface RunOptions extends InstanceOptions, LimitOptions, SignatureWish {
  param: string[];
  file: string[];
  script: string[];
  out?: string;
  profile?: boolean;
  hostCpus?: string;
  numaNode?: string;
  channel?: boolean;
  qemuAgent?: boolean;
  keepRunning?: boolean;
  spec?: string;
}

export function addRunCommand(program: Command): void {
  const run = program
    .command('run')
    .argument('[appliance]', 'appliance folder (with a gva.yaml), or a package (.ova, .ovf)')
    .description('run one instance of an appliance and bring its output home')
    .addOption(repeatable('-p, --param <name=value>', 'value of a parameter'))
    .addOption(repeatable('-f, --file <src[=name]>', 'file for the parameter CD'))
    .addOption(
      repeatable('--script <file>', 'program for the parameter CD that the guest runs after the appliance'),
    )
    .option('-o, --out <dir>', 'folder for the results (default: NAME-1, NAME-2, ...)');
  addLimitOptions(addInstanceOptions(run))
    .option('--force', 'replace results that are in the output folder')
    .option('--host-cpus <list>', 'keep the machine on these CPUs of the host: 0-3,8')
    .option('--numa-node <number>', "take the guest's memory from this node of the host (QEMU)")
    .option('--channel', 'let commands be run in the guest while it runs: gva exec, put, get, stat')
    .option('--qemu-agent', 'the same by the QEMU guest agent, which the guest must have (QEMU)')
    .option('--keep-running', 'with one of these: stay when all scripts have ended, until gva shutdown')
    .option(...requireSignature)
    .option('--profile', 'show where the time went, to the millisecond')
    .option(
      '--spec <file>',
      'on a node of a grid: run the points that the file says; nothing else may be given',
    )
    .option('--json', 'print the result as one JSON document on standard output, and nothing else')
    .addHelpText('after', examples)
    .action((appliance: string | undefined, options: RunOptions) => {
      const { spec } = options;
      if (spec !== undefined) return actAsJob((signal) => runElement(spec, run, signal));
      const saves = options.checkpointEvery !== undefined;
      return act(
        options.json ?? false,
        (signal, leave) => runAppliance(named(appliance), options, { signal, leave }),
        { saves },
      );
    });
}

const examples = `
Examples:
  gva run square --param n=12
  gva run ./align --param gap=2.5 --file reads.fa --file db-17.fa=db.fa --out r17
  gva run square --vmm qemu --json | jq .times
  gva run blast.ova --param evalue=1e-5 --deployment-option large
  gva run ./fold --checkpoint-every 10m     # after a crash: gva resume fold-4711

With --checkpoint-every, SIGTERM saves the instance and ends it: its results are not published, and gva resume goes on.

Exit status: 0 all good, 1 the application failed, 2 wrong usage or input, 69 the infrastructure failed,
130 interrupted, 143 saved and ended.`;

interface Ends {
  readonly signal: AbortSignal;
  readonly leave: AbortSignal;
}

async function runAppliance(folder: string, options: RunOptions, { signal, leave }: Ends): Promise<ExitCode> {
  const { loadSource } = await import('../appliance/source.js');
  const { parametersFromWords, resolveParameters } = await import('../appliance/parameters.js');
  const { inputFilesFromWords, scriptsFromWords } = await import('../instance/input-files.js');
  const { runInstance } = await import('../instance/run.js');
  const { ControlServer } = await import('../instance/control/server.js');
  const { removeAbandonedResults } = await import('../instance/output-folder.js');
  const { RunView } = await import('./run-view.js');
  const { openAppliance } = await import('../library/open-appliance.js');
  const { baseChoice } = await import('./base-choice.js');

  checkChannel(options);
  mark('command loaded');
  applySignatureWish(options);
  const source = await loadSource(folder, {
    configuration: options.deploymentOption,
    limits: packageLimits(options),
    signal,
  });
  checkSignatureWish(source, options);
  const { appliance } = source;
  const parameters = resolveParameters(appliance, parametersFromWords(appliance, options.param));
  const files = [...(await inputFilesFromWords(options.file)), ...(await scriptsFromWords(options.script))];
  const out = options.out ?? freeFolder(appliance.name);
  const limits = instanceLimits(options);
  const every = checkpointInterval(options);
  const collectEvery = collectInterval(options, appliance);
  const placement = await placementOf(options);
  const { prepared, vmm } = await openAppliance(source, options, baseChoice(options, signal), 1);
  mark('images and VMM known');
  const view = new RunView(appliance, vmm, options.json ?? false);
  if (every !== undefined) await mustSave({ prepared, keepDisks: false }, vmm);
  const id = freeName(appliance.name);
  const onTrouble = (text: string) => view.note(text);
  const checkpoints = {
    ...{ folder: checkpointFolder(id), leave, onTrouble },
    ...(every === undefined ? {} : { every }),
  };
  const spec = { id, prepared, parameters, files, out, limits, placement };
  const flags = {
    force: options.force ?? false,
    keepDisks: options.keepDisks ?? false,
    channel: (options.channel ?? false) || (collectEvery !== undefined && !options.qemuAgent),
    qemuAgent: options.qemuAgent ?? false,
    keepRunning: options.keepRunning ?? false,
  };
  await removeAbandonedResults(out);
  await using control = await ControlServer.listen();
  const start = await startWish(options.start, (text) => view.note(text));
  const result = await runInstance(
    {
      ...{ ...spec, ...flags, keep: 'files', start, checkpoints, onTrouble },
      ...(collectEvery === undefined ? {} : { collectEvery }),
      ...(control ? { control } : {}),
    },
    vmm,
    (event) => view.event(event),
    signal,
  );
  if (options.json) printJson(result);
  await view.end(result, out);
  if (options.profile) console.error(profileTable());
  return exitCodeOf(result);
}

function checkChannel({ keepRunning, channel, qemuAgent }: RunOptions): void {
  if (keepRunning && !channel && !qemuAgent)
    throw new GvaError('USAGE', '--keep-running goes with --channel: nothing else could end the instance', {
      hint: 'Say both.',
    });
  if (channel && qemuAgent)
    throw new GvaError('USAGE', '--channel and --qemu-agent are two ways for the same commands', {
      hint: 'Say one of them: --channel for bases of GVA.',
    });
}

function named(appliance: string | undefined): string {
  if (appliance !== undefined) return appliance;
  throw new GvaError('USAGE', 'there is no appliance to run', {
    hint: 'Name its folder or package: gva run DIR',
  });
}

/** Whatever else there is to say is in the file. */
async function runElement(spec: string, run: Command, signal: AbortSignal): Promise<ExitCode> {
  const others = Object.keys(run.opts()).filter((name) => run.getOptionValueSource(name) === 'cli');
  if (run.args.length > 0 || others.length > 1)
    throw new GvaError('USAGE', '--spec goes with no other option and no appliance', {
      hint: 'All is said in the file.',
    });
  const { runGridElement } = await import('./run-element.js');
  return await runGridElement(spec, signal);
}

async function placementOf({ hostCpus, numaNode }: RunOptions): Promise<Placement> {
  const { parseCpuList } = await import('../vmm/placement.js');
  if (hostCpus !== undefined && !/^\d{1,4}(-\d{1,4})?(,\d{1,4}(-\d{1,4})?)*$/.test(hostCpus))
    throw new GvaError('USAGE', `--host-cpus ${hostCpus} is no list of CPUs`, { hint: 'For example: 0-3,8' });
  if (numaNode !== undefined && !/^\d{1,4}$/.test(numaNode))
    throw new GvaError('USAGE', `--numa-node ${numaNode} is no number of a node`, { hint: 'For example: 0' });
  return {
    ...(hostCpus === undefined ? {} : { hostCpus: [...parseCpuList(hostCpus)] }),
    ...(numaNode === undefined ? {} : { numaNode: Number(numaNode) }),
  };
}

/** Of an instance: no checkpoint of an earlier one has it. */
function freeName(appliance: string): string {
  const name = `${appliance}-${process.pid}`;
  let free = name;
  for (let number = 2; existsSync(checkpointFolder(free)); number++) free = `${name}-${number}`;
  return free;
}

function freeFolder(name: string): string {
  let number = 1;
  while (existsSync(`${name}-${number}`)) number++;
  return `${name}-${number}`;
}

export function exitCodeOf(result: InstanceResult): ExitCode {
  const codes = {
    done: ExitCode.ok,
    failed: ExitCode.application,
    lost: ExitCode.infrastructure,
    cancelled: ExitCode.interrupted,
  };
  return result.cause === 'checkpointed' ? ExitCode.stopped : codes[result.state];
}
