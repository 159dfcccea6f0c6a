import { join } from 'node:path';
import type { Base } from '../base/store.js';
import type { NodeHost } from '../grid/worker/prepare-work.js';
import type { VmmDriver } from '../vmm/driver.js';
import { QemuDriver } from '../vmm/qemu/driver.js';
import { UmlDriver } from '../vmm/uml/driver.js';

/**
 * Every VMM there is, for machines with this base.
 *
 * @param base undefined for machines that bring their own system
 * @param qemu folder of a QEMU of the user's own
 */
export function vmmDrivers(base: Base | undefined, qemu?: string): ReadonlyMap<string, VmmDriver> {
  const probeKernel = base && join(base.folder, base.files.kernel.name);
  return hostDrivers({ probeKernel, umlRelease: base?.umlRelease, qemu });
}

/** Every VMM there is, for machines of a host about which this is known. */
export function hostDrivers({ probeKernel, umlRelease, qemu }: NodeHost): ReadonlyMap<string, VmmDriver> {
  const drivers = [
    new QemuDriver({ probeKernel, folder: qemu }),
    new UmlDriver({ modulesRelease: umlRelease }),
  ];
  return new Map(drivers.map((driver) => [driver.name, driver]));
}
