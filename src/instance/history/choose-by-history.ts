import type { StartChoice } from '../../model/start.js';
import { GvaError } from '../../system/errors.js';
import { mark } from '../../system/profile.js';
import { type ChosenVmm, chooseVmm } from '../../vmm/choose.js';
import type { VmmDriver } from '../../vmm/driver.js';
import type { PreparedAppliance } from '../prepare.js';
import { worthTemplate } from '../start.js';
import { machineShape } from '../template/shape.js';
import { Templates } from '../template/templates.js';
import { pastRuns } from './past-runs.js';
import { weigh } from './weigh.js';

export interface ChoiceWish {
  /** What `auto` has chosen: no other is a matter of history. */
  readonly chosen: ChosenVmm;
  readonly drivers: ReadonlyMap<string, VmmDriver>;
  readonly start: StartChoice;
  /** Instances that are to be run now. */
  readonly instances: number;
}

/**
 * Where User-mode Linux was chosen and warm starts under QEMU are at hand, the one of the two that is expected to be sooner
 * done with this appliance. What was weighed is told to the profile.
 */
export async function chooseByHistory(
  prepared: PreparedAppliance,
  { chosen, drivers, start, instances }: ChoiceWish,
): Promise<ChosenVmm> {
  if (chosen.probe.accelerator !== 'native' || start !== 'auto') return chosen;
  const past = await pastRuns(prepared.digest);
  if (past.length === 0) return chosen;
  const shape = machineShape(prepared, []);
  if (typeof shape === 'string') return chosen;
  const warm = await chooseVmm('qemu', drivers, shape.cpus).catch((error: unknown) => {
    if (error instanceof GvaError) return undefined;
    throw error;
  });
  if (warm?.probe.accelerator !== 'tcg') return chosen;
  const template = await new Templates(() => undefined).has(shape, warm.driver);
  if (!template && instances < worthTemplate) return chosen;
  const { choice, reason } = weigh(past, { template, instances });
  mark(`VMM weighed: ${choice === 'warm' ? 'warm QEMU' : 'User-mode Linux'} (${reason})`);
  return choice === 'warm' ? warm : chosen;
}
