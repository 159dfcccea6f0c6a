import type { ChosenVmm } from '../vmm/choose.js';
import type { Conduct } from './conductor.js';
import { Coordinator } from './coordinator.js';
import { HostWatch } from './host-watch.js';
import { runPoint } from './run-point.js';

/**
 * Runs the points on this host.
 *
 * @param engine runs the instance of one point
 */
export function onThisHost(vmm: ChosenVmm, engine = runPoint): Conduct {
  return async (parts, signals) => {
    const { prepared, out, jobs } = parts.spec;
    const host = await HostWatch.start(prepared.appliance, out, jobs);
    return new Coordinator({ ...parts, vmm, host, engine }, signals);
  };
}
