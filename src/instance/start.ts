import type { StartChoice } from '../model/start.js';
import { ExitCode, GvaError, errnoOf, messageOf } from '../system/errors.js';
import { mark } from '../system/profile.js';
import type { ChosenVmm } from '../vmm/choose.js';
import type { MachineSpec, VirtualMachine } from '../vmm/driver.js';
import { noCheckpoints, saveable } from './checkpoint/saveable.js';
import type { InstanceSpec } from './run.js';
import type { Scratch } from './scratch.js';
import { stage } from './stage.js';
import { cloneSpec, startClone } from './template/clone.js';
import { type MachineShape, machineShape } from './template/shape.js';
import type { MakeTemplate, Templates } from './template/templates.js';

/** Instances for which the boot of a template is worth its time. */
export const worthTemplate = 4;

export interface StartWish {
  readonly choice: StartChoice;
  /** What `auto` does where there is no template. */
  readonly make: Extract<MakeTemplate, 'never' | 'unless-busy'>;
  readonly templates: Templates;
  /** Milliseconds that a clone has to confirm that it is a machine of its own; 20 s where absent. */
  readonly wakeLimit?: number;
}

export interface Started {
  readonly machine: VirtualMachine;
  /** As it was started. */
  readonly machineSpec: MachineSpec;
  /** What it says. */
  readonly lines: AsyncIterable<string>;
  readonly start: 'warm' | 'cold';
  /** Why it was not started warm; absent where it was, or nobody wanted it. */
  readonly reason?: string;
}

/**
 * Makes the media of an instance and starts its machine.
 *
 * @throws GvaError START_WARM where it must be started warm and cannot be; whatever else keeps it from being started
 */
export async function startInstance(
  spec: InstanceSpec,
  vmm: ChosenVmm,
  scratch: Scratch,
  signal: AbortSignal,
): Promise<Started> {
  const { start } = spec;
  if (!start || start.choice === 'cold') return startCold(spec, vmm, scratch);
  const started = await startWarm(spec, start, vmm, { scratch, signal });
  if ('machine' in started) return started;
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
  const machine = await stageMachine(spec, vmm, scratch);
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

async function startWarm(
  spec: InstanceSpec,
  { choice, make, templates, wakeLimit }: StartWish,
  vmm: ChosenVmm,
  { scratch, signal }: { scratch: Scratch; signal: AbortSignal },
): Promise<Started | NotWarm> {
  const { driver } = vmm;
  const shape = cloneable(spec, vmm, choice);
  if (typeof shape === 'string') return { why: shape, expected: true };
  const { boot: bootLimit } = spec.limits;
  const wish = { shape, driver, bootLimit, make: choice === 'warm' ? ('wait' as const) : make };
  const template = await templates.obtain(wish, signal).catch((error: unknown) => {
    // A cache that cannot be used must not keep an instance from its run.
    if (error instanceof GvaError || errnoOf(error) !== undefined) return messageOf(error);
    throw error;
  });
  mark('template known');
  if (template === undefined) return { why: 'there is no template yet', expected: true };
  if (typeof template === 'string') return { why: template };
  const staged = await stageMachine(spec, vmm, scratch);
  try {
    const clone = await cloneSpec(staged, shape, template);
    spec.onStarting?.();
    const started = await startClone(driver, clone, signal, wakeLimit);
    return { ...started, machineSpec: clone, start: 'warm' };
  } catch (error) {
    if (!(error instanceof GvaError)) throw error;
    await templates.noteFailure(template);
    return { why: error.message };
  }
}

/** The shape of the machine if it can be a clone, else the reason why not. */
function cloneable(
  { prepared, files, keepDisks, placement }: InstanceSpec,
  { driver }: ChosenVmm,
  choice: StartChoice,
): MachineShape | string {
  if (!driver.capabilities.templates) return `${driver.name} cannot save a machine and go on from there`;
  if (placement?.numaNode !== undefined) return 'its memory is to be on one NUMA node';
  // They would be overlays of a template's disks, which go with the template.
  if (keepDisks && choice === 'auto') return 'its disks are to be kept';
  return machineShape(prepared, files);
}

async function stageMachine(
  spec: InstanceSpec,
  { driver }: ChosenVmm,
  scratch: Scratch,
): Promise<MachineSpec> {
  try {
    const staged = await stage(spec.prepared, spec, scratch.folder);
    const machine = { ...staged, ...hostLimits(spec, staged.cpus) };
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
