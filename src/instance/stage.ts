import { join } from 'node:path';
import { rootDiskOf } from '../base/store.js';
import { makeBlankDisk } from '../disk/blank-disk.js';
import { scratchFiles } from '../system/paths.js';
import { runTool } from '../system/process.js';
import type { Disk, MachineSpec } from '../vmm/driver.js';
import { type DiscContent, writeParameterDisc, writeParameterFloppy } from './parameter-disc.js';
import type { ContractMachine, PlainMachine, PreparedAppliance } from './prepare.js';

/** Makes the media of one instance in its scratch folder and says what machine to start. */
export async function stage(
  prepared: PreparedAppliance,
  input: DiscContent,
  folder: string,
): Promise<MachineSpec> {
  const { machine, appliance } = prepared;
  const { hardware, output } = appliance;
  const [parameters, disks] = await Promise.all([
    parameterDisks(input, prepared, folder),
    machine.kind === 'contract' ? contractDisks(machine, output.size, folder) : plainDisks(machine, folder),
  ]);
  const boot = machine.kind === 'contract' ? bootOf(machine, folder) : firmwareBoot(machine, folder);
  return {
    id: input.id,
    cpus: hardware.cpus,
    memory: hardware.memory,
    ...(appliance.paramsOn === 'disk' ? withoutCdDrive(boot) : boot),
    disks: [...disks, ...parameters],
    ...(appliance.paramsOn === 'network' ? { service: true } : {}),
    folders: { uml: join(folder, scratchFiles.uml), hostfs: join(folder, scratchFiles.hostfs) },
  };
}

async function parameterDisks(
  input: DiscContent,
  { machine: { kind }, appliance: { paramsOn } }: PreparedAppliance,
  folder: string,
): Promise<Disk[]> {
  if (paramsOn === 'network') return [];
  if (paramsOn === 'floppy') {
    const image = join(folder, scratchFiles.floppy);
    return [{ id: 'floppy', ...(await writeParameterFloppy(input, kind, image)), access: 'read-only' }];
  }
  const image = join(folder, scratchFiles.parameters);
  return [{ id: 'cdrom', ...(await writeParameterDisc(input, kind, image)), access: 'read-only' }];
}

function withoutCdDrive({ boot, hardware }: StagedBoot): StagedBoot {
  const others = Object.entries(hardware ?? {}).filter(([name]) => name !== 'cdDrive');
  return { boot, hardware: Object.fromEntries(others) };
}

type StagedBoot = Pick<MachineSpec, 'boot' | 'hardware'>;

/** @param folder takes what the firmware remembers, if it does */
export function bootOf({ base }: Pick<ContractMachine, 'base'>, folder: string): StagedBoot {
  const { kernel, initrd, disk } = base.files;
  if (!kernel) return firmwareBoot(disk, folder);
  return {
    boot: {
      ...{ kind: 'direct', kernel: join(base.folder, kernel.name) },
      initrd: join(base.folder, initrd.name),
    },
  };
}

export const firmwareBoot = (
  { firmware, hardware }: Pick<PlainMachine, 'firmware' | 'hardware'>,
  folder: string,
): StagedBoot => ({
  boot:
    firmware === 'bios'
      ? { kind: 'firmware', firmware }
      : { kind: 'firmware', firmware, variables: join(folder, scratchFiles.firmwareVariables) },
  hardware,
});

async function contractDisks(machine: ContractMachine, outputSize: number, folder: string): Promise<Disk[]> {
  const { base, app, data, outputOn } = machine;
  const root = rootDiskOf(base);
  const shared = (id: Disk['id'], image: string, size: number, name: string): Disk => ({
    ...{ id, image, size, access: 'overlay' },
    overlay: join(folder, name),
  });
  const disks = [
    shared('root', join(base.folder, root.name), root.size, scratchFiles.rootOverlay),
    outputOn === 'app'
      ? await ownCopy('app', app, join(folder, scratchFiles.output))
      : shared('app', app.file, app.size, scratchFiles.appOverlay),
    ...(data ? [shared('data', data.file, data.size, scratchFiles.dataOverlay)] : []),
  ];
  if (outputOn === 'app') return disks;
  const image = join(folder, scratchFiles.output);
  await makeBlankDisk(image, 'GVA-OUT', outputSize);
  return [...disks, { id: 'output', image, size: outputSize, access: 'read-write' }];
}

async function plainDisks({ disks }: PlainMachine, folder: string): Promise<Disk[]> {
  return Promise.all(
    disks.map(({ image, role }, index): Promise<Disk> => {
      if (role === 'output') return ownCopy('output', image, join(folder, scratchFiles.output));
      const id = `disk${index}` as const;
      const overlay = join(folder, scratchFiles.plainOverlay(index));
      return Promise.resolve({ id, image: image.file, size: image.size, access: 'overlay', overlay });
    }),
  );
}

/** A disk that is read back must be one raw image: what a guest wrote is opened by our own readers only. */
async function ownCopy(
  id: Disk['id'],
  { file, size }: { file: string; size: number },
  image: string,
): Promise<Disk> {
  await runTool('cp', ['--sparse=always', '--reflink=auto', '--no-preserve=mode', '--', file, image]);
  return { id, image, size, access: 'read-write' };
}
