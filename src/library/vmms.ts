import { join } from 'node:path';
import { type Base, findBase } from '../base/store.js';
import type { NodeHost } from '../grid/worker/prepare-work.js';
import { bootsDirectly } from '../model/base.js';
import { type ChosenVmm, chooseVmm } from '../vmm/choose.js';
import type { VmmDriver } from '../vmm/driver.js';
import { QemuDriver } from '../vmm/qemu/driver.js';
import { UmlDriver } from '../vmm/uml/driver.js';

/**
 * Every VMM there is, for machines with this base.
 *
 * @param base undefined for machines that bring their own system
 * @param qemu folder of a QEMU of the user's own
 * @param probeBase has the kernel that tells whether KVM works
 */
export function vmmDrivers(
  base: Base | undefined,
  qemu?: string,
  probeBase = base,
): ReadonlyMap<string, VmmDriver> {
  const probeKernel = probeBase?.files.kernel && join(probeBase.folder, probeBase.files.kernel.name);
  return hostDrivers({ probeKernel, umlRelease: base?.umlRelease, arch: base?.arch ?? 'x86_64', qemu });
}

/** The VMM by name, or the fastest that works here, for machines with this base; undefined: they bring their own system. */
export async function chooseForBase(
  base: Base | undefined,
  { vmm, qemu, cpus, drivers = (all) => all }: VmmWish,
): Promise<ChosenVmm> {
  const direct = base && bootsDirectly(base);
  // Any kernel of ours tells whether KVM works; without one there is emulation.
  const probeBase = direct ? base : await findBase('micro').catch(() => undefined);
  const all = drivers(vmmDrivers(base, qemu, probeBase));
  return chooseVmm(vmm, all, cpus, direct ? 'direct' : 'firmware');
}

export interface VmmWish {
  readonly vmm: string;
  /** Folder of a QEMU of the user's own. */
  readonly qemu?: string | undefined;
  readonly cpus: number;
  /** Leaves some out. */
  readonly drivers?: (all: ReadonlyMap<string, VmmDriver>) => ReadonlyMap<string, VmmDriver>;
}

/** Every VMM there is, for machines of a host about which this is known. */
export function hostDrivers({
  probeKernel,
  umlRelease,
  arch,
  qemu,
}: NodeHost): ReadonlyMap<string, VmmDriver> {
  const drivers = [
    new QemuDriver({ probeKernel, arch, folder: qemu }),
    new UmlDriver({ modulesRelease: umlRelease }),
  ];
  return new Map(drivers.map((driver) => [driver.name, driver]));
}
