import { lstat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { GuestEvent } from '../model/guest-event.js';
import type { InstanceEvent } from '../model/instance-event.js';
import type { KeepKind } from '../model/keep.js';
import type { ParameterValues } from '../model/parameter.js';
import type { CollectedOutput, InstanceResult, InstanceTimes } from '../model/result.js';
import { ExitCode, GvaError, messageOf } from '../system/errors.js';
import { ensureFolder, writeFileAtomically } from '../system/files.js';
import { mark } from '../system/profile.js';
import { packageVersion, resultFiles, scratchFiles } from '../system/paths.js';
import type { ChosenVmm } from '../vmm/choose.js';
import type { Placement, VirtualMachine } from '../vmm/driver.js';
import { collectOutput, surveyOutput } from './collect.js';
import { InstanceClock } from './clock.js';
import { rememberRun } from './history/past-runs.js';
import { type InputFile, instanceIdentity } from './identity.js';
import { copyDisk, keepOutput } from './keep.js';
import { type PendingFolder, preparePendingFolder } from './output-folder.js';
import type { PreparedAppliance } from './prepare.js';
import { type UntilRoom, emptyFolder, savePatiently } from './save.js';
import { type Scratch, createScratch } from './scratch.js';
import { type StartWish, type Started, startInstance } from './start.js';
import { type Verdict, judge } from './verdict.js';
import { type WatchLimits, type Watched, watchMachine, watchPlainMachine } from './watch.js';

export interface InstanceSpec {
  /** Unique among the instances of this user; letters, digits, `-`. */
  readonly id: string;
  readonly prepared: PreparedAppliance;
  /** Of all parameters, checked. */
  readonly parameters: ParameterValues;
  readonly files: readonly InputFile[];
  /** Folder for the results: new or empty. */
  readonly out: string;
  /** Replace results that are there. */
  readonly force: boolean;
  /** How the output is kept. */
  readonly keep: KeepKind;
  /** Keep the disks as the guest left them, with the results. */
  readonly keepDisks: boolean;
  readonly limits: WatchLimits;
  /** Where on the host the machine is to be; anywhere where absent. */
  readonly placement?: Placement;
  /** Where its own disks are, in a folder of theirs; `scratchFolder()` where absent. */
  readonly scratch?: string;
  /** False: `out` need not outlive a crash of the host, because it is going to be copied; true where absent. */
  readonly durable?: boolean;
  /** Cold where absent. */
  readonly start?: StartWish;
  /** Called when the media are made, before the machine is started. */
  readonly onStarting?: () => void;
  /**
   * Called where the disk is full when results are saved; comes back with true when it is worth another attempt. The
   * guest has ended: what it computed would be lost.
   */
  readonly untilRoom?: UntilRoom;
}

/**
 * One instance from its parameters to its result: stages the media, starts the machine, follows it, collects
 * the output, and publishes the folder `spec.out` at once. A cancelled instance publishes nothing.
 *
 * @throws GvaError where the instance could not be run at all; how it went otherwise is in the result
 */
export async function runInstance(
  spec: InstanceSpec,
  vmm: ChosenVmm,
  onEvent: (event: InstanceEvent) => void,
  signal: AbortSignal,
): Promise<InstanceResult> {
  const clock = new InstanceClock(onEvent);
  await using pending = await preparePendingFolder(spec.out, spec.force, spec.durable);
  await using scratch = await createScratch(spec.scratch);
  mark('scratch folder made');
  const onStarting = () => {
    clock.starting();
    spec.onStarting?.();
  };
  const started = await startInstance({ ...spec, onStarting }, vmm, scratch, signal);
  await using machine = started.machine;
  clock.staged(vmm, started);
  const watched = await watch(spec, started, clock, signal);
  clock.poweredOff(watched.exit.status);
  const verdict = judge(watched, spec.prepared, machine.console, spec.limits);
  if (verdict.state === 'cancelled')
    return describe(spec, vmm, { clock, started, watched, verdict, output: null, scratchBytes: 0 });
  return await collect(spec, vmm, { clock, started, watched, verdict, scratch, pending, machine });
}

function watch(
  { prepared, limits }: InstanceSpec,
  { machine, lines, start }: Started,
  clock: InstanceClock,
  signal: AbortSignal,
): Promise<Watched> {
  if (prepared.machine.kind === 'plain') return watchPlainMachine(machine, limits, signal);
  const onEvent = (event: GuestEvent) => {
    clock.guest(event);
    // Its disks are unmounted; the way of its kernel to the power-off would be 50 ms under emulation.
    if (event.name === 'done' && start === 'warm') machine.quit?.();
  };
  return watchMachine({ ...endOf(machine), lines }, limits, onEvent, signal);
}

const endOf = (machine: VirtualMachine) => ({ exited: machine.exited, kill: () => machine.kill() });

interface Ended {
  readonly clock: InstanceClock;
  readonly started: Started;
  readonly watched: Watched;
  readonly verdict: Verdict;
}

async function collect(
  spec: InstanceSpec,
  vmm: ChosenVmm,
  ended: Ended & { scratch: Scratch; pending: PendingFolder; machine: VirtualMachine },
): Promise<InstanceResult> {
  const { clock, scratch, pending, machine } = ended;
  const { folder } = pending;
  const image = join(scratch.folder, scratchFiles.output);
  try {
    const scratchBytes = await scratch.allocated();
    const patiently = <T>(save: () => Promise<T>) => savePatiently(save, scratchBytes, spec.untilRoom);
    const output = await patiently(async () => {
      await emptyFolder(folder);
      return await collectFrom(spec, image, folder);
    });
    clock.collected(output ?? undefined);
    const verdict = output === undefined ? unreadable(ended.verdict) : ended.verdict;
    clock.ended(verdict);
    const result = describe(spec, vmm, { ...ended, verdict, output: output ?? null, scratchBytes });
    await patiently(async () => {
      await writeFile(join(folder, resultFiles.events), clock.lines());
      await writeFile(join(folder, resultFiles.console), machine.console.bytes());
      const write = spec.durable === false ? writeFile : writeFileAtomically;
      await write(join(folder, resultFiles.result), `${JSON.stringify(result, null, 2)}\n`);
      if (spec.keepDisks) await keepDisks(scratch, folder);
      await pending.publish();
    });
    await rememberRun(result);
    mark('result published');
    return result;
  } catch (error) {
    await scratch.keep();
    throw new GvaError('COLLECT', `the results could not be saved: ${messageOf(error)}`, {
      exitCode: ExitCode.infrastructure,
      hint: `Nothing is lost: the guest's output disk is kept as ${image}. Remove it when you have what you need.`,
      cause: error,
    });
  }
}

/**
 * Brings the output home, in the form in which it is to be kept.
 *
 * @returns null where the machine has no output disk; undefined, and nothing is kept, where it cannot be read
 */
async function collectFrom(
  { prepared, keep }: InstanceSpec,
  image: string,
  folder: string,
): Promise<CollectedOutput | null | undefined> {
  const { machine } = prepared;
  const target = join(folder, resultFiles.output);
  if (machine.kind === 'plain' && machine.disks.every(({ role }) => role !== 'output')) {
    await ensureFolder(target);
    await keepOutput(keep, folder, undefined);
    return null;
  }
  const from = machine.kind === 'contract' && machine.outputOn === 'app' ? 'output' : '';
  const output = await (keep === 'image' ? surveyOutput(image, from) : collectOutput(image, target, from));
  if (output) await keepOutput(keep, folder, image);
  return output;
}

/** A guest that says "done" and leaves a disk that cannot be read is not done. */
function unreadable(verdict: Verdict): Verdict {
  if (verdict.state === 'lost') return verdict;
  return {
    state: 'lost',
    cause: 'output-unreadable',
    message: 'the output disk has no file system that can be read',
  };
}

async function keepDisks(scratch: Scratch, folder: string): Promise<void> {
  const target = await ensureFolder(join(folder, resultFiles.instance));
  const { rootOverlay, appOverlay, dataOverlay, output, parameters } = scratchFiles;
  for (const name of [rootOverlay, appOverlay, dataOverlay, output, parameters]) {
    const source = join(scratch.folder, name);
    const info = await lstat(source).catch(() => undefined);
    if (info?.isFile()) await copyDisk(source, join(target, name));
  }
}

function describe(
  spec: InstanceSpec,
  vmm: ChosenVmm,
  ended: Ended & { output: InstanceResult['output']; scratchBytes: number },
): InstanceResult {
  const { appliance, digest, base } = spec.prepared;
  const { started } = ended;
  const { state, cause, message } = ended.verdict;
  const times: InstanceTimes = ended.clock.times;
  return {
    format: 'gva-result/1',
    gva: packageVersion(),
    instance: spec.id,
    appliance: { name: appliance.name, version: appliance.version, digest },
    base: { name: base.name, digest: base.digest },
    parameters: spec.parameters,
    files: spec.files.map(({ name, size, sha256 }) => ({ name, size, sha256 })),
    identity: instanceIdentity(digest, base.digest, spec.parameters, spec.files),
    vmm: { name: vmm.driver.name, version: vmm.probe.version, accelerator: vmm.probe.accelerator },
    start: started.start,
    ...(started.reason === undefined ? {} : { startReason: started.reason }),
    state,
    ...(cause === undefined ? {} : { cause }),
    ...(message === undefined ? {} : { message }),
    scripts: ended.watched.scripts,
    startedAt: ended.clock.startedAt.toISOString(),
    times,
    output: ended.output,
    scratchBytes: ended.scratchBytes,
    host: hostname(),
  };
}
