import type { GuestEvent } from '../model/guest-event.js';
import type { InstanceEvent } from '../model/instance-event.js';
import type { InstanceResult } from '../model/result.js';
import { mark } from '../system/profile.js';
import type { ChosenVmm } from '../vmm/choose.js';
import type { MachineSpec, VirtualMachine } from '../vmm/driver.js';
import { type Begun, bringHome, describe } from './bring-home.js';
import { Saving } from './checkpoint/saving.js';
import { InstanceClock } from './clock.js';
import { controlled } from './control/controlled.js';
import { GuestCommands } from './control/guest-commands.js';
import { GuestNews } from './insert/guest-news.js';
import type { InstanceSpec } from './instance-spec.js';
import { preparePendingFolder } from './output-folder.js';
import { type Scratch, createScratch } from './scratch.js';
import type { GuestService } from './service/guest-service.js';
import { Snapshots } from './snapshot.js';
import { SoFar } from './so-far.js';
import { type Place, type Started, startInstance, takeMember } from './start.js';
import { type Verdict, judge } from './verdict.js';
import { ScriptRecord, type Watched, watchMachine, watchPlainMachine } from './watch.js';

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
  const result = await bringHome(spec, vmm, { clock, started, watched, verdict, scratch, pending });
  await saving?.published(result);
  await soFar?.remove();
  return result;
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
