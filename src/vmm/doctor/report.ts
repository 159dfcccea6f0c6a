import { type Base, findBase } from '../../base/store.js';
import type { DoctorReport } from '../../model/doctor.js';
import { GvaError } from '../../system/errors.js';
import { packageVersion } from '../../system/package.js';
import { chooseVmm } from '../choose.js';
import type { VmmDriver } from '../driver.js';
import { advise } from './advice.js';
import { lookAtFolders } from './folders.js';
import { lookAtBases, lookAtHost, lookAtTools } from './host.js';
import { readLimits } from './limits.js';
import { type MeasureOptions, measure } from './measure.js';
import { lookForPrograms } from './programs.js';
import { lookAtSandbox } from './sandbox.js';

export interface ExamineOptions extends Omit<MeasureOptions, 'base'> {
  /** What `--vmm auto` would choose from. */
  readonly drivers: (base: Base) => ReadonlyMap<string, VmmDriver>;
}

/**
 * All that there is to know of this host before an instance is run on it.
 *
 * @throws the signal's reason
 */
export async function examine(options: ExamineOptions): Promise<DoctorReport> {
  const base = await usableBase();
  const { measurements, fromCache } = await measure({ ...options, base });
  const { measuredAt, native, vmms } = measurements;
  const facts = {
    host: { ...(await lookAtHost()), sandbox: await lookAtSandbox(await lookForPrograms(options.qemu)) },
    folders: await lookAtFolders(),
    limits: await readLimits(),
    tools: await lookAtTools(),
    bases: await lookAtBases(),
  };
  return {
    format: 'gva-doctor/1',
    gva: packageVersion(),
    ...{ measuredAt, fromCache },
    auto:
      base && vmms.some(({ verdict }) => verdict === 'works') ? await automatic(options.drivers(base)) : null,
    ...{ native, vmms, ...facts },
    advice: advise({ ...facts, vmms }),
  };
}

/** Guests are tried with the base that every machine has first. */
async function usableBase(): Promise<Base | undefined> {
  try {
    return await findBase('micro');
  } catch (error) {
    // Broken: reported among the bases.
    if (error instanceof GvaError) return undefined;
    throw error;
  }
}

async function automatic(drivers: ReadonlyMap<string, VmmDriver>): Promise<DoctorReport['auto']> {
  try {
    const { driver, probe } = await chooseVmm('auto', drivers, 1);
    return { vmm: driver.name, accelerator: probe.accelerator };
  } catch (error) {
    if (error instanceof GvaError) return null;
    throw error;
  }
}
