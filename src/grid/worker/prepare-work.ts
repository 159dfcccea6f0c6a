import { noCheckpoints } from '../../instance/checkpoint/saveable.js';
import type { PreparedAppliance } from '../../instance/prepare.js';
import type { Appliance } from '../../model/appliance.js';
import type { Architecture, BaseFile } from '../../model/base.js';
import { ExitCode, GvaError } from '../../system/errors.js';
import { formatSize } from '../../system/units.js';
import { type ChosenVmm, chooseVmm } from '../../vmm/choose.js';
import type { VmmDriver } from '../../vmm/driver.js';
import { neededMemory } from '../needed-memory.js';
import type { CheckedWork } from './schema.js';
import type { StagedImages } from './stage-in.js';
import { Trouble } from './trouble.js';

/** What the VMMs of a node may need to know. */
export interface NodeHost {
  /** Path of a kernel with which KVM may be tried out. */
  readonly probeKernel: string | undefined;
  /** Release of the User-mode Linux kernel whose modules the base has. */
  readonly umlRelease: string | undefined;
  /** Of the guests. */
  readonly arch: Architecture;
  /** Folder of a QEMU of the user's own. */
  readonly qemu: string | undefined;
}

export type DriversOf = (host: NodeHost) => ReadonlyMap<string, VmmDriver>;

/** Every VMM there is on this node for this work. */
export async function driversOnNode(
  { machine, qemu }: CheckedWork,
  images: StagedImages,
  driversOf: DriversOf,
): Promise<ReadonlyMap<string, VmmDriver>> {
  const files = machine.kind === 'plain' ? undefined : machine.base.files;
  const direct = files && 'root' in files;
  const kernel = machine.kind === 'plain' ? machine.probeKernel : direct && files.kernel;
  return driversOf({
    probeKernel: kernel ? await images.file(kernel) : undefined,
    umlRelease: machine.kind === 'plain' ? undefined : machine.base.umlRelease,
    arch: machine.kind === 'plain' ? 'x86_64' : machine.base.arch,
    qemu,
  });
}

/**
 * The VMM that runs this work on this node.
 *
 * @throws Trouble where there is none
 */
export async function chooseOnNode(
  { vmm, machine, appliance }: CheckedWork,
  drivers: ReadonlyMap<string, VmmDriver>,
): Promise<ChosenVmm> {
  const direct = machine.kind === 'contract' && 'root' in machine.base.files;
  const boot = direct ? 'direct' : 'firmware';
  try {
    return await chooseVmm(vmm, drivers, appliance.hardware.cpus, boot);
  } catch (error) {
    if (!(error instanceof GvaError)) throw error;
    const { code, message, hint = '', exitCode } = error;
    // What no node can do (so many CPUs, such a boot) is no fault of this one.
    throw new Trouble(code, message, { avoidNode: exitCode === ExitCode.infrastructure, cause: error, hint });
  }
}

/** What instances share, with its images on this node. */
export async function prepareOnNode(work: CheckedWork, images: StagedImages): Promise<PreparedAppliance> {
  const { machine, digest, base } = work;
  const cached = async (image: Parameters<StagedImages['file']>[0]) => ({
    file: await images.file(image),
    size: image.size,
  });
  // Of its parameters, the schema has looked at names and types; nothing else is asked of them on a node.
  const common = { appliance: work.appliance as Appliance, digest, base };
  if (machine.kind === 'plain') {
    const disks = [];
    for (const { image, ...role } of machine.disks) disks.push({ ...role, image: await cached(image) });
    return { ...common, machine: { ...machine, disks } };
  }
  const here = async <T extends BaseFile>(file: T): Promise<T> => ({
    ...file,
    name: await images.file(file),
  });
  const { files: named } = machine.base;
  const files =
    'root' in named
      ? { root: await here(named.root), kernel: await here(named.kernel), initrd: await here(named.initrd) }
      : { disk: await here(named.disk) };
  const { data, app, outputOn } = machine;
  return {
    ...common,
    machine: {
      kind: 'contract',
      // Each file is where it is; their names are absolute.
      base: { ...machine.base, files, folder: '/' },
      app: await cached(app),
      ...(data ? { data: await cached(data) } : {}),
      outputOn,
    },
  };
}

/**
 * Compares what the job was given (GVA_CPUS, GVA_MEMORY in bytes; not known where empty, absent or 0) with what each
 * instance takes: what is too little ends in the kernel's killing something.
 *
 * @throws Trouble ALLOCATION
 */
export function checkAllocation(
  { hardware, name }: Pick<Appliance, 'hardware' | 'name'>,
  environment: NodeJS.ProcessEnv = process.env,
): void {
  const given = (variable: string) => Number(environment[variable] ?? '') || Infinity;
  const [cpus, memory] = [given('GVA_CPUS'), given('GVA_MEMORY')];
  const wanted = neededMemory(hardware.memory);
  const refuse = (what: string, hint: string) => {
    throw new Trouble('ALLOCATION', `the job was given ${what}`, { avoidNode: false, hint });
  };
  if (memory < wanted)
    refuse(
      `${formatSize(memory)} of memory; an instance of ${name} takes ${formatSize(wanted)}: ${formatSize(hardware.memory)} and what worker and VMM need`,
      'Ask for more, or lower hardware.memory in gva.yaml.',
    );
  if (cpus < hardware.cpus)
    refuse(
      `${cpus} CPUs; an instance of ${name} has ${hardware.cpus}`,
      'Ask for more, or lower hardware.cpus in gva.yaml.',
    );
}

/**
 * Refuses work that is to be saved from time to time and cannot be on this node.
 *
 * @throws Trouble CHECKPOINTS_NONE
 */
export function checkSaving(
  { checkpointEvery, keepDisks }: Pick<CheckedWork, 'checkpointEvery' | 'keepDisks'>,
  prepared: PreparedAppliance,
  { driver }: ChosenVmm,
): void {
  const why = checkpointEvery === undefined ? undefined : noCheckpoints({ prepared, keepDisks }, driver);
  if (why === undefined) return;
  throw new Trouble('CHECKPOINTS_NONE', `there can be no checkpoints of these points: ${why}`, {
    avoidNode: false,
    hint: 'Leave out --checkpoint-every, or use --vmm qemu.',
  });
}
