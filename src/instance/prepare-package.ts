import type { CachedImage } from '../appliance/images.js';
import { packageBase } from '../appliance/package/base.js';
import { type PackageDisk, packageDisk } from '../appliance/package/disks.js';
import { type OpenAppliancePackage, openAppliancePackage } from '../appliance/package/open.js';
import type { AppliancePackage } from '../appliance/source.js';
import { noteUse } from '../base/use.js';
import { openExt4 } from '../disk/ext4/index.js';
import { openRaw } from '../disk/source.js';
import type { DiskRole } from '../model/envelope.js';
import { GvaError } from '../system/errors.js';
import { digestText } from '../system/files.js';
import type { Controller, Hardware } from '../model/hardware.js';
import type { ContractMachine, PlainMachine, PreparedAppliance } from './prepare.js';

/**
 * Brings the disks of a package into the cache, where they are not there yet.
 *
 * @throws GvaError where the package is not (or no longer) one that can be run
 */
export async function preparePackage({ path, options }: AppliancePackage): Promise<PreparedAppliance> {
  await using pkg = await openAppliancePackage(path, options);
  return await (pkg.isGva ? contractAppliance : plainAppliance)(pkg, options.signal);
}

async function contractAppliance(
  pkg: OpenAppliancePackage,
  signal: AbortSignal | undefined,
): Promise<PreparedAppliance> {
  const disk = async (role: DiskRole) => {
    const described = pkg.envelope.disks.find((each) => each.role === role);
    return described && packageDisk(pkg, described, signal);
  };
  const app = await disk('app');
  if (!app) throw new GvaError('PACKAGE_REFUSED', `${pkg.path} has no application disk`);
  const data = await disk('data');
  const base = await packageBase(pkg, signal);
  noteUse(base);
  const hasOutput = pkg.envelope.disks.some(({ role }) => role === 'output');
  const machine: ContractMachine = {
    ...{ kind: 'contract', base, app, outputOn: hasOutput ? 'disk' : 'app' },
    ...(data ? { data } : {}),
  };
  return { appliance: pkg.appliance, digest: digestOf(pkg, [app, ...(data ? [data] : [])]), base, machine };
}

async function plainAppliance(
  pkg: OpenAppliancePackage,
  signal: AbortSignal | undefined,
): Promise<PreparedAppliance> {
  const { hardware, appliance } = pkg;
  const disks: PackageDisk[] = [];
  for (const { disk } of hardware.disks) disks.push(await packageDisk(pkg, disk, signal));
  const [first] = disks;
  if (!first) throw new GvaError('PACKAGE_REFUSED', `${pkg.path} has no disk to boot from`);
  const machine: PlainMachine = {
    kind: 'plain',
    disks: await Promise.all(
      disks.map(async (image) => ({
        image,
        ...((await isOutput(image)) ? { role: 'output' as const } : {}),
      })),
    ),
    firmware: hardware.firmware,
    hardware: machineHardware(pkg),
  };
  const digest = digestOf(pkg, disks);
  return { appliance, digest, base: { name: 'own', digest: first.digest }, machine };
}

/** What the package computes follows from these: the same work has the same identity. */
const digestOf = ({ appliance }: OpenAppliancePackage, disks: readonly PackageDisk[]) =>
  digestText(JSON.stringify([appliance, ...disks.map(({ digest }) => digest)]));

/** By its label, as the guest contract has it. */
async function isOutput({ file }: CachedImage): Promise<boolean> {
  await using source = await openRaw(file);
  const tree = await openExt4(source).catch((error: unknown) => {
    if (error instanceof GvaError) return undefined;
    throw error;
  });
  return tree?.label === 'GVA-OUT';
}

/** QEMU's nearest to the controllers of others. It has no BusLogic, and of LSI's the 53C895A and the SAS 1068. */
const controllerOf: Readonly<Record<string, Controller>> = {
  ide: 'ide',
  ahci: 'ahci',
  lsilogic: 'lsi53c895a',
  lsilogicsas: 'mptsas1068',
  buslogic: 'ide',
  pvscsi: 'pvscsi',
  'virtio-scsi': 'virtio-scsi',
  'virtio-blk': 'virtio-blk',
  nvme: 'nvme',
  usb: 'ahci',
};

/** All disks are on the controller of the first: that is the one that the guest must have a driver of. */
export function machineHardware({ hardware }: Pick<OpenAppliancePackage, 'hardware'>): Hardware {
  const [boot] = hardware.disks;
  const controller = controllerOf[boot?.controller.kind ?? 'ahci'] ?? 'ahci';
  return { machine: controller === 'ide' ? 'pc' : 'q35', controller, cdDrive: 'ide-cd' };
}
