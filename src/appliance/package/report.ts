import type { EnvelopeDisk, PackageProblem } from '../../model/envelope.js';
import type { PackageReport, ReportedDisk } from '../../model/package-report.js';
import { parametersOf } from '../../ovf/properties.js';
import { findReference } from '../../ovf/references.js';
import { GvaError } from '../../system/errors.js';
import { applianceOf } from './appliance.js';
import type { ExaminedPackage } from './examine.js';
import { packageDiskFormat } from './format.js';

/** What `gva inspect` says of a package. */
export async function reportOf(pkg: ExaminedPackage): Promise<PackageReport> {
  const { path, files, envelope, system, hardware } = pkg;
  const disks: ReportedDisk[] = [];
  const problems: PackageProblem[] = [...pkg.problems];
  for (const disk of envelope.disks) disks.push(await describeDisk(pkg, disk, problems));
  const parameters = system && parametersOf(system, hardware?.configuration);
  problems.push(...(parameters?.problems ?? []));
  return {
    format: 'gva-inspect/1',
    path,
    kind: files.kind,
    runnable: system !== undefined && problems.every(({ severity }) => severity !== 'error'),
    dialect: envelope.dialect,
    ...(system && hardware ? { appliance: applianceOf(system, envelope, hardware) } : {}),
    ...(system?.gva ? { gva: system.gva } : {}),
    ...(system?.operatingSystem ? { operatingSystem: system.operatingSystem } : {}),
    ...(hardware
      ? {
          hardware: {
            ...{ cpus: hardware.cpus, memory: hardware.memory, firmware: hardware.firmware },
            controllers: hardware.controllers.map(({ kind }) => kind),
            cdDrives: hardware.cdDrives.length,
            networkCards: hardware.nics,
            ...(hardware.configuration === undefined ? {} : { configuration: hardware.configuration }),
          },
        }
      : {}),
    configurations: envelope.configurations,
    networks: envelope.networks,
    transports: [...new Set(system?.hardware.flatMap(({ transports }) => transports) ?? [])],
    disks,
    parameters: parameters?.parameters ?? [],
    eulas: system?.eulas ?? [],
    signature: files.signature,
    manifest: files.manifest === undefined ? null : files.manifest.name,
    ignored: files.ignored,
    problems,
  };
}

/** What cannot be opened as a disk is an error of the package: its other checks have not looked so far. */
async function describeDisk(
  pkg: ExaminedPackage,
  { id, fileRef, capacity, role }: EnvelopeDisk,
  problems: PackageProblem[],
): Promise<ReportedDisk> {
  const file = pkg.envelope.files.find((each) => each.id === fileRef);
  const described = {
    id,
    ...(role === undefined ? {} : { role }),
    ...(capacity === undefined ? {} : { capacity }),
  };
  if (!file) return { ...described, format: 'blank' };
  try {
    const { size } = await findReference(pkg.files, file);
    const format = await packageDiskFormat(pkg.files, file);
    return { ...described, file: file.href, size, format };
  } catch (error) {
    if (!(error instanceof GvaError)) throw error;
    // A missing file was told of before.
    if (error.code !== 'PACKAGE_HREF')
      problems.push({ severity: 'error', place: file.href, message: error.message });
    return { ...described, file: file.href, format: 'unreadable' };
  }
}
