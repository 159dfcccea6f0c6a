import type { ChosenVmm } from '../vmm/choose.js';
import type { Conduct } from './conductor.js';
import { Coordinator } from './coordinator.js';
import { HostWatch } from './host-watch.js';
import { runPoint } from './run-point.js';
import { WarmMachines } from './warm-machines.js';

/**
 * Runs the points on this host.
 *
 * @param engine runs the instance of one point
 */
export function onThisHost(vmm: ChosenVmm, engine = runPoint): Conduct {
  return async (parts, signals) => {
    const { prepared, out, jobs, start } = parts.spec;
    const host = await HostWatch.start(prepared.appliance, out, jobs);
    const note = (message: string) => parts.onEvent({ event: 'note', code: 'POOL_STOPPED', message });
    const warm = new WarmMachines(parts.spec, host, note);
    const spec = { ...parts.spec, ...(start ? { start: { ...start, pool: warm.pool } } : {}) };
    return new Coordinator({ ...parts, spec, vmm, host, engine, warm }, signals);
  };
}
