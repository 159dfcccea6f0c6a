import { join } from 'node:path';
import type { Base } from '../base/store.js';
import type { VmmDriver } from '../vmm/driver.js';
import { QemuDriver } from '../vmm/qemu/driver.js';
import { UmlDriver } from '../vmm/uml/driver.js';

/** Every VMM there is, for machines with this base. */
export function vmmDrivers(base: Base): ReadonlyMap<string, VmmDriver> {
  const drivers = [
    new QemuDriver({ probeKernel: join(base.folder, base.files.kernel.name) }),
    new UmlDriver({ modulesRelease: base.umlRelease }),
  ];
  return new Map(drivers.map((driver) => [driver.name, driver]));
}
