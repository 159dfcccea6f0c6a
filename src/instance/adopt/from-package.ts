import { packageDisk } from '../../appliance/package/disks.js';
import { type ExamineOptions, examinePackage, requireRunnable } from '../../appliance/package/examine.js';
import { copyToRaw } from '../../disk/copy-raw.js';
import { openRaw } from '../../disk/source.js';
import type { Hardware } from '../../model/hardware.js';
import { GvaError } from '../../system/errors.js';
import { machineHardware } from '../prepare-package.js';

/** The first disk of a package, and the hardware that its system knows. */
export interface PackageSource {
  readonly hardware: Hardware;
  /** Writes the disk, raw, into a new file. */
  copy(target: string): Promise<void>;
}

/** @throws GvaError as by examinePackage(), PACKAGE_REFUSED; ADOPT_OWN for a package of GVA's own */
export async function packageSource(path: string, options: ExamineOptions): Promise<PackageSource> {
  await using examined = await examinePackage(path, options);
  const pkg = requireRunnable(examined);
  if (pkg.isGva)
    throw new GvaError('ADOPT_OWN', `${path} was packed by GVA: it has its base already`, {
      hint: `Run it: gva run ${path}`,
    });
  const [first] = pkg.hardware.disks;
  if (!first) throw new GvaError('PACKAGE_REFUSED', `${path} has no disk to boot from`);
  return {
    hardware: machineHardware(pkg),
    copy: async (target) => {
      await using again = requireRunnable(await examinePackage(path, options));
      const { file } = await packageDisk(again, first.disk, options.signal);
      await using disk = await openRaw(file);
      await copyToRaw(disk, target, options.signal);
    },
  };
}
