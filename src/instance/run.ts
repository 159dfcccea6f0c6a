import { lstat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
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
import type { MachineSpec, Placement, VirtualMachine } from '../vmm/driver.js';
import { collectOutput, surveyOutput } from './collect.js';
import { InstanceClock } from './clock.js';
import { rememberRun } from './history/past-runs.js';
import { controlled } from './control/controlled.js';
import { GuestCommands } from './control/guest-commands.js';
import type { ControlServer } from './control/server.js';
import { type InputFile, instanceIdentity } from './identity.js';
import { GuestNews } from './insert/guest-news.js';
import type { GuestService } from './service/guest-service.js';
import type { EarlierCheckpoint } from './checkpoint/checkpointer.js';
import { type CheckpointWish, Saving } from './checkpoint/saving.js';
import { bringTogether } from './checkpoint/together.js';
import { copyDisk, keepOutput } from './keep.js';
import { type PendingFolder, preparePendingFolder } from './output-folder.js';
import type { PreparedAppliance } from './prepare.js';
import { type UntilRoom, emptyFolder, savePatiently } from './save.js';
import { type Scratch, createScratch } from './scratch.js';
import { Snapshots } from './snapshot.js';
import { SoFar } from './so-far.js';
import { type Place, type StartWish, type Started, startInstance, takeMember } from './start.js';
import { type Verdict, judge } from './verdict.js';
import { ScriptRecord, type WatchLimits, type Watched, watchMachine, watchPlainMachine } from './watch.js';

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
  /** None can be taken where absent. */
  readonly checkpoints?: CheckpointWish;
  /** Commands can be run in its guest (docs/channels.md), where that can be; not where absent. */
  readonly channel?: boolean;
  /** Commands can be run in its guest by the QEMU guest agent, which the guest must have; not where absent. */
  readonly qemuAgent?: boolean;
  /** Its guest stays when its scripts have ended, until it is told to end; not where absent. */
  readonly keepRunning?: boolean;
  /** Seconds after which its output is brought home while it runs, again and again; needs `channel`. Not where absent. */
  readonly collectEvery?: number;
  /** Told of what is wrong and does not end it. */
  readonly onTrouble?: (text: string) => void;
  /** Where others can address it while it runs. */
  readonly control?: Pick<ControlServer, 'add'>;
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
  const member = takeMember(spec, vmm);
  await using scratch = member?.scratch ?? (await createScratch(spec.scratch));
  mark('scratch folder made');
  const onStarting = () => {
    clock.starting();
    spec.onStarting?.();
  };
  const started = await startOrResume({ ...spec, onStarting }, vmm, { scratch, member, clock }, signal);
  await using machine = started.machine;
  const progress = started.earlier?.manifest.progress;
  const record = new ScriptRecord(progress);
  const { machineSpec, start, reason } = started;
  const how = { start, ...(reason === undefined ? {} : { startReason: reason }) };
  const saved = { spec, vmm, machineSpec, machine, scratch: scratch.folder, clock, record };
  await using saving = Saving.begin(
    { ...saved, start: { ...how, resumed: started.resumed } },
    started.earlier,
  );
  const news = new GuestNews();
  const commands = new GuestCommands(machine, spec.id);
  const { prepared } = spec;
  const snapshots = new Snapshots({ prepared, machineSpec, scratch: scratch.folder, news, commands });
  const parts = { clock, saving, machine, machineSpec, news, commands, snapshots };
  const addressed = spec.control?.add(spec.id, controlled(spec, vmm, parts));
  // What cannot be saved is ended all the same.
  const left = saving?.left ?? spec.checkpoints?.leave;
  const ending = left ? AbortSignal.any([signal, left]) : signal;
  const soFar = bringSoFar(spec, snapshots);
  const service = await serveGuest(spec, started, { clock, news, scratch });
  const watched = await watch(spec, started, { clock, record, news, service }, ending);
  addressed?.[Symbol.dispose]();
  await soFar?.end();
  saving?.end();
  clock.poweredOff(watched.exit.status);
  const verdict = unasked(service, watched) ?? judge(watched, spec.prepared, machine.console, spec.limits);
  if (verdict.state === 'cancelled') {
    const told = saving?.left.aborted && !signal.aborted ? leftVerdict(saving) : verdict;
    return describe(spec, vmm, { clock, started, watched, verdict: told, output: null, scratchBytes: 0 });
  }
  const result = await collect(spec, vmm, { clock, started, watched, verdict, scratch, pending });
  await saving?.published(result);
  await soFar?.remove();
  return result;
}

/** An instance that runs, and whether from its beginning. */
interface Begun extends Started {
  readonly earlier?: EarlierCheckpoint;
  /** How often it has gone on from a checkpoint. */
  readonly resumed: number;
  /** Why it has not gone on from the one that there was. */
  readonly resumeReason?: string;
}

async function startOrResume(
  spec: InstanceSpec,
  vmm: ChosenVmm,
  parts: Place & { readonly clock: InstanceClock },
  signal: AbortSignal,
): Promise<Begun> {
  const { checkpoints: wish } = spec;
  // Most instances have nothing to go on from, and need not load what reads it.
  const { resumeInstance } = wish?.resume ? await import('./checkpoint/resume.js') : {};
  const resumed = wish && (await resumeInstance?.(spec, wish, vmm, parts));
  if (resumed && 'machine' in resumed)
    return { ...resumed, resumed: resumed.earlier.manifest.progress.resumed + 1 };
  const started = await startInstance(spec, vmm, parts, signal);
  parts.clock.staged(vmm, started);
  const why = resumed?.why;
  return { ...started, resumed: 0, ...(why === undefined ? {} : { resumeReason: why }) };
}

function leftVerdict({ trouble, last }: Saving): Verdict {
  const from = last ? `it goes on from its checkpoint of ${last.takenAt}` : 'it begins anew';
  const message =
    trouble === undefined ? from : `${from}, because it could not be saved at the end: ${trouble}`;
  return { state: 'cancelled', cause: last ? 'checkpointed' : 'interrupted', message };
}

function bringSoFar(
  { collectEvery: every, out, onTrouble }: InstanceSpec,
  snapshots: Snapshots,
): SoFar | undefined {
  return every === undefined
    ? undefined
    : new SoFar(every, out, { snapshots, onTrouble: (text) => onTrouble?.(text) });
}

/** By network, where it has one that is closed to everything else; most have none, and need not load what serves it. */
async function serveGuest(
  spec: InstanceSpec,
  { machine }: Started,
  { clock, news, scratch }: { clock: InstanceClock; news: GuestNews; scratch: Scratch },
): Promise<GuestService | undefined> {
  if (!machine.service) return undefined;
  const { beginService } = await import('./service/begin.js');
  return beginService(spec, machine, scratch.folder, (event) => {
    clock.guest(event);
    news.note(event);
  });
}

/** A guest that knows of no service by network takes what it has for its parameters: its results would be of others. */
function unasked(service: GuestService | undefined, { ended }: Watched): Verdict | undefined {
  if (!service || service.asked || ended === 'interrupted') return undefined;
  const message =
    'the guest did not ask for its parameters: its base knows of none by network. Build it again: gva base build micro';
  return { state: 'lost', cause: 'no-done', message };
}

interface Watching {
  readonly clock: InstanceClock;
  readonly record: ScriptRecord;
  readonly news: GuestNews;
  readonly service: GuestService | undefined;
}

function watch(
  { prepared, limits }: InstanceSpec,
  { machine, machineSpec, lines, start }: Started,
  { clock, record, news, service }: Watching,
  signal: AbortSignal,
): Promise<Watched> {
  if (prepared.machine.kind === 'plain') return watchPlainMachine(machine, limits, signal);
  const onEvent = (event: GuestEvent) => {
    clock.guest(event);
    news.note(event);
    if (event.name === 'ready' && service && !service.asked) machine.kill();
    // Its disks are unmounted; the way of its kernel to the power-off would be 50 ms under emulation.
    if (event.name === 'done' && start === 'warm') machine.quit?.();
  };
  const { total } = limits;
  const left = total === undefined ? undefined : Math.max(0, total - clock.elapsed);
  const ended = { exited: machine.exited, kill: () => end(machine, machineSpec) };
  const { heartbeatLimit: silence } = prepared.appliance;
  const all = { ...limits, total: left, ...(silence === undefined ? {} : { silence }) };
  return watchMachine({ ...ended, lines }, all, onEvent, signal, record);
}

/** Milliseconds for a machine to write what it has in memory of its disks. */
const writingTime = 2000;

/** Ends a machine whose disks are read then: after a checkpoint, tables of theirs may be in the VMM's memory. */
function end(machine: VirtualMachine, { disks }: MachineSpec): void {
  const layered = disks.some(({ id }) => (machine.checkpoints?.above(id).length ?? 0) > 0);
  if (!machine.quit || !layered) {
    machine.kill();
    return;
  }
  machine.quit();
  const timer = setTimeout(() => machine.kill(), writingTime);
  void machine.exited.then(() => clearTimeout(timer));
}

interface Ended {
  readonly clock: InstanceClock;
  readonly started: Begun;
  readonly watched: Watched;
  readonly verdict: Verdict;
}

async function collect(
  spec: InstanceSpec,
  vmm: ChosenVmm,
  ended: Ended & { scratch: Scratch; pending: PendingFolder },
): Promise<InstanceResult> {
  const { clock, scratch, pending, started } = ended;
  const { folder } = pending;
  const image = join(scratch.folder, scratchFiles.output);
  try {
    const scratchBytes = await scratch.allocated();
    const patiently = <T>(save: () => Promise<T>) => savePatiently(save, scratchBytes, spec.untilRoom);
    const output = await patiently(async () => {
      await emptyFolder(folder);
      if (!(await broughtTogether(started, image))) return undefined;
      return await collectFrom(spec, image, folder);
    });
    clock.collected(output ?? undefined);
    const verdict = output === undefined ? unreadable(ended.verdict) : ended.verdict;
    clock.ended(verdict);
    const result = describe(spec, vmm, { ...ended, verdict, output: output ?? null, scratchBytes });
    await patiently(async () => {
      await writeFile(join(folder, resultFiles.events), clock.lines());
      await writeFile(join(folder, resultFiles.console), started.machine.console.bytes());
      const write = spec.durable === false ? writeFile : writeFileAtomically;
      await write(join(folder, resultFiles.result), `${JSON.stringify(result, null, 2)}\n`);
      if (spec.keepDisks) await keepDisks(scratch, folder);
      if (started.machineSpec.service)
        await (await import('./service/begin.js')).bringPosted(scratch.folder, folder);
      await pending.publish();
    });
    await rememberRun(result);
    mark('result published');
    return result;
  } catch (error) {
    const { prepared, parameters, files } = spec;
    const identity = instanceIdentity(prepared.digest, prepared.base.digest, parameters, files);
    await scratch.keep({ out: resolve(spec.out), identity });
    throw new GvaError('COLLECT', `the results could not be saved: ${messageOf(error)}`, {
      exitCode: ExitCode.infrastructure,
      hint: `Nothing is lost: the guest's output disk is kept as ${image}. Remove it when you have what you need.`,
      cause: error,
    });
  }
}

/** Whether all that the guest has written is in that image of its output disk; false where it cannot be read. */
async function broughtTogether({ machine, machineSpec }: Started, image: string): Promise<boolean> {
  const disk = machineSpec.disks.find((each) => each.image === image);
  if (!machine.checkpoints || !disk) return true;
  try {
    await bringTogether(disk, machine.checkpoints);
    return true;
  } catch (error) {
    if (error instanceof GvaError && error.code.startsWith('IMAGE_')) return false;
    throw error;
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
  const { rootOverlay, appOverlay, dataOverlay, output, parameters, floppy } = scratchFiles;
  for (const name of [rootOverlay, appOverlay, dataOverlay, output, parameters, floppy]) {
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
    ...(started.pooled ? { pooled: true as const } : {}),
    ...(started.reason === undefined ? {} : { startReason: started.reason }),
    ...(started.resumed === 0 ? {} : { resumed: started.resumed }),
    ...(started.resumeReason === undefined ? {} : { resumeReason: started.resumeReason }),
    state,
    ...(cause === undefined ? {} : { cause }),
    ...(message === undefined ? {} : { message }),
    scripts: ended.watched.scripts,
    startedAt: ended.clock.startedAt,
    times,
    output: ended.output,
    scratchBytes: ended.scratchBytes,
    host: hostname(),
  };
}
