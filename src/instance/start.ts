import { bootsDirectly } from '../model/base.js';
import type { StartChoice } from '../model/start.js';
import { ExitCode, GvaError, errnoOf, messageOf } from '../system/errors.js';
import { mark } from '../system/profile.js';
import type { ChosenVmm } from '../vmm/choose.js';
import type { MachineSpec, VirtualMachine, VmmDriver } from '../vmm/driver.js';
import { noCheckpoints, saveable } from './checkpoint/saveable.js';
import { withDrives } from './insert/drives.js';
import type { Member, PoolKind } from './pool/member.js';
import type { WarmPool } from './pool/pool.js';
import type { InstanceSpec } from './instance-spec.js';
import type { Scratch } from './scratch.js';
import { stage } from './stage.js';
import type { Template } from './template/cache.js';
import { cloneSpec, startClone } from './template/clone.js';
import { type MachineShape, machineShape } from './template/shape.js';
import type { MakeTemplate, TemplateWish, Templates } from './template/templates.js';

/** Instances for which the boot of a template is worth its time. */
export const worthTemplate = 4;

export interface StartWish {
  readonly choice: StartChoice;
  /** What `auto` does where there is no template. */
  readonly make: Extract<MakeTemplate, 'never' | 'unless-busy'>;
  readonly templates: Templates;
  /** Milliseconds that a clone has to confirm that it is a machine of its own; 20 s where absent. */
  readonly wakeLimit?: number;
  /** Machines that are ready before their instances are known; none where absent. */
  readonly pool?: WarmPool;
}

/** Where a machine comes to be: its scratch folder, and the machine if it is there already. */
export interface Place {
  readonly scratch: Scratch;
  readonly member?: Member | undefined;
}

export interface Started {
  readonly machine: VirtualMachine;
  /** As it was started. */
  readonly machineSpec: MachineSpec;
  /** What it says. */
  readonly lines: AsyncIterable<string>;
  readonly start: 'warm' | 'cold';
  /** It had waited for an instance. */
  readonly pooled?: true;
  /** Why it was not started warm, or not the one that had waited; absent where it was, or nobody wanted it. */
  readonly reason?: string;
}

/** A machine that waits for such an instance. The caller has its scratch folder from now on, `startInstance` itself. */
export function takeMember(spec: InstanceSpec, { driver }: ChosenVmm): Member | undefined {
  const { start } = spec;
  if (!start?.pool || start.choice === 'cold') return undefined;
  const shape = cloneable(spec, driver, start.choice);
  if (typeof shape === 'string' || !isPoolable(spec, shape)) return undefined;
  return start.pool.take({ driver, shape });
}

/**
 * A machine that waits was started for no checkpoints; and rehearsed with other disks, it would have lost what the
 * appliance's `before` has done in its template.
 */
const isPoolable = ({ checkpoints, channel }: InstanceSpec, { warmed }: MachineShape) =>
  !checkpoints && !warmed && !channel;

/**
 * Makes the media of an instance and starts its machine.
 *
 * @throws GvaError START_WARM where it must be started warm and cannot be; whatever else keeps it from being started
 */
export async function startInstance(
  spec: InstanceSpec,
  vmm: ChosenVmm,
  { scratch, member }: Place,
  signal: AbortSignal,
): Promise<Started> {
  const { start } = spec;
  if (!start || start.choice === 'cold') return startCold(spec, vmm, scratch);
  const ready = member && (await startMember(spec, vmm, member, signal));
  if (ready && 'machine' in ready) return ready;
  if (ready) await scratch.clear();
  const started = await startWarm(spec, start, vmm, { scratch, signal });
  if ('machine' in started) return ready ? { ...started, reason: ready.why } : started;
  signal.throwIfAborted();
  const { why, expected = false } = started;
  if (start.choice === 'warm')
    throw new GvaError('START_WARM', `the instance cannot be started warm: ${why}`, {
      exitCode: ExitCode.infrastructure,
      hint: 'Start it cold, or as it goes: --start auto',
    });
  await scratch.clear();
  return startCold(spec, vmm, scratch, expected ? undefined : why);
}

async function startCold(
  spec: InstanceSpec,
  vmm: ChosenVmm,
  scratch: Scratch,
  reason?: string,
): Promise<Started> {
  const machine = await stageMachine(spec, vmm.driver, scratch);
  spec.onStarting?.();
  const started = await vmm.driver.start(machine);
  return {
    ...{ machine: started, machineSpec: machine },
    lines: started.lines,
    start: 'cold',
    ...(reason === undefined ? {} : { reason }),
  };
}

/** Why an instance is not started warm. */
interface NotWarm {
  /** A sentence without its full stop. */
  readonly why: string;
  /** It is what everybody expects, and nothing that `auto` has to tell. */
  readonly expected?: boolean;
}

/** Has a machine that waited become that of the instance. */
async function startMember(
  spec: InstanceSpec,
  { driver }: ChosenVmm,
  member: Member,
  signal: AbortSignal,
): Promise<Started | NotWarm> {
  let staged: MachineSpec;
  try {
    staged = await stageMachine(spec, driver, member.scratch);
  } catch (error) {
    await member.machine[Symbol.asyncDispose]();
    throw error;
  }
  spec.onStarting?.();
  try {
    return { ...(await member.assign(staged, signal, spec.start?.wakeLimit)), start: 'warm', pooled: true };
  } catch (error) {
    if (error instanceof GvaError) return { why: error.message };
    throw error;
  }
}

async function startWarm(
  spec: InstanceSpec,
  { choice, make, templates, wakeLimit, pool }: StartWish,
  { driver }: ChosenVmm,
  { scratch, signal }: { scratch: Scratch; signal: AbortSignal },
): Promise<Started | NotWarm> {
  const shape = cloneable(spec, driver, choice);
  if (typeof shape === 'string') return { why: shape, expected: true };
  const { boot: bootLimit, total: beforeLimit } = spec.limits;
  const wish = { shape, driver, bootLimit, beforeLimit, make: choice === 'warm' ? ('wait' as const) : make };
  const found = await nearest(wish, templates, signal).catch((error: unknown) => {
    // A cache that cannot be used must not keep an instance from its run.
    if (error instanceof GvaError || errnoOf(error) !== undefined) return messageOf(error);
    throw error;
  });
  mark('template known');
  if (found === undefined) return { why: 'there is no template yet', expected: true };
  if (typeof found === 'string') return { why: found };
  const { template } = found;
  const staged = await stageMachine(spec, driver, scratch);
  try {
    const clone = await cloneSpec(staged, found.shape, template);
    spec.onStarting?.();
    const started = await startClone(driver, clone, signal, wakeLimit);
    if (isPoolable(spec, shape))
      pool?.want(kindOf(clone, { driver, template, shape, prepared: spec.prepared }));
    return { ...started, machineSpec: clone, start: 'warm' };
  } catch (error) {
    if (!(error instanceof GvaError)) throw error;
    await templates.noteFailure(template);
    return { why: error.message };
  }
}

interface Found {
  readonly template: Template;
  readonly shape: MachineShape;
}

/** As `obtain`; while there is no template with the appliance in it, one of its base alone has booted, too. */
async function nearest(
  wish: TemplateWish,
  templates: Templates,
  signal: AbortSignal,
): Promise<Found | string | undefined> {
  const template = await templates.obtain(wish, signal);
  const { warmed, ...shape } = wish.shape;
  if (template === undefined && warmed) return nearest({ ...wish, shape, make: 'never' }, templates, signal);
  return typeof template === 'object' ? { template, shape: wish.shape } : template;
}

const kindOf = ({ cpuTime }: MachineSpec, kind: PoolKind): PoolKind =>
  cpuTime === undefined ? kind : { ...kind, cpuTime };

/** The shape of the machine if it can be a clone, else the reason why not. */
function cloneable(
  { prepared, files, keepDisks, placement, channel, qemuAgent }: InstanceSpec,
  driver: VmmDriver,
  choice: StartChoice,
): MachineShape | string {
  if (!driver.capabilities.templates) return `${driver.name} cannot save a machine and go on from there`;
  if (placement?.numaNode !== undefined) return 'its memory is to be on one NUMA node';
  if (qemuAgent) return 'it has a port for the QEMU guest agent';
  // They would be overlays of a template's disks, which go with the template.
  if (keepDisks && choice === 'auto') return 'its disks are to be kept';
  return machineShape(prepared, files, channel);
}

/** The guest has an agent, and is told on the kernel's command line where to listen. */
const hasChannel = ({ channel = false, prepared: { machine } }: InstanceSpec) =>
  channel && machine.kind === 'contract' && machine.base.wake === true && bootsDirectly(machine.base);

const notSoFar = () =>
  new GvaError('COLLECT_EVERY', 'results so far cannot be brought home: the guest has no control channel', {
    hint: 'Leave out collect-every, or use a base for x86_64 that is booted directly.',
  });

/** @throws GvaError CHANNEL_NONE */
function agentPort({ name, capabilities }: VmmDriver): true {
  if (capabilities.qemuAgent) return true;
  throw new GvaError('CHANNEL_NONE', `${name} has no port for the QEMU guest agent`, {
    hint: 'Use --vmm qemu, or --channel with a base of GVA.',
  });
}

async function stageMachine(spec: InstanceSpec, driver: VmmDriver, scratch: Scratch): Promise<MachineSpec> {
  try {
    if (spec.prepared.appliance.paramsOn === 'network')
      (await import('./service/begin.js')).checkService(spec, driver);
    if (spec.collectEvery !== undefined && !hasChannel(spec)) throw notSoFar();
    const staged = await stage(spec.prepared, spec, scratch.folder);
    const spoken = hasChannel(spec) ? await withDrives({ ...staged, channel: true }, scratch.folder) : staged;
    const agent = spec.qemuAgent ? { qemuAgent: agentPort(driver) } : {};
    const machine = { ...spoken, ...agent, ...hostLimits(spec, staged.cpus) };
    mark('media made');
    if (!spec.checkpoints || noCheckpoints(spec, driver) !== undefined) return machine;
    return await saveable(machine, scratch.folder);
  } catch (error) {
    if (error instanceof GvaError) throw error;
    throw new GvaError(
      'STAGE',
      `cannot make the disks of the instance in ${scratch.folder}: ${messageOf(error)}`,
      {
        exitCode: ExitCode.infrastructure,
        hint: 'Name a folder with room on a local disk in GVA_SCRATCH.',
        cause: error,
      },
    );
  }
}

/** What holds for the machine on this host, however it is started. */
export const hostLimits = (
  { placement, limits: { total } }: InstanceSpec,
  cpus: number,
): Pick<MachineSpec, 'placement' | 'cpuTime'> => ({
  ...(placement ? { placement } : {}),
  ...(total === undefined ? {} : { cpuTime: cpuTimeFor(total, cpus) }),
});

/** What a machine can use within its time limit, and a minute: only one that we failed to end gets there. */
const cpuTimeFor = (seconds: number, cpus: number) => seconds * (cpus + 1) + 60;
