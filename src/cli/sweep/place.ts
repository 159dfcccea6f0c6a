import type { BaseChoice, PinnedBase } from '../../base/wanted.js';
import type { PreparedAppliance } from '../../instance/prepare.js';
import type { Plan } from '../../sweep/plan/plan.js';
import type { Conducting, SweepSpec } from '../../sweep/run-sweep.js';
import type { ExitCode } from '../../system/errors.js';
import type { StopSignals } from '../action.js';
import { mustSave } from '../instance-options.js';
import type { SweepRunOptions } from './run-options.js';

// Where the points of a sweep are run, and on what.

/** The base that the sweep was run with before. @param strict it goes on with what it had */
export async function pinnedBase(folder: string, strict: boolean): Promise<PinnedBase | undefined> {
  const { readSavedRun } = await import('../../sweep/observe/saved-options.js');
  const saved = await readSavedRun(folder).catch(() => undefined);
  return saved?.base && { ...saved.base, strict };
}

/** What the points share, and who has them run: this host, or a grid. */
export async function openPlace(
  { source, points }: Plan,
  name: string,
  options: SweepRunOptions,
  choice: BaseChoice,
): Promise<{ prepared: PreparedAppliance; conducting: Conducting }> {
  const { openAppliance, prepareSource, withParamsOn } = await import('../../library/open-appliance.js');
  const { grid } = options;
  if (grid !== undefined) {
    const { byGrid, readSettings } = await import('./grid-run.js');
    const onGrid = { ...options, grid, vmm: vmmOnGrid(options) };
    const settings = await readSettings(name, options.out, onGrid);
    const prepared = withParamsOn(await prepareSource(source, choice), options);
    if (options.checkpointEvery !== undefined) await mustSaveOnGrid(prepared, onGrid);
    return { prepared, conducting: byGrid(settings, onGrid) };
  }
  const { onThisHost } = await import('../../sweep/on-this-host.js');
  const { prepared, vmm } = await openAppliance(source, options, choice, Number(points.count));
  const { driver, probe } = vmm;
  if (options.checkpointEvery !== undefined) await mustSave({ prepared, keepDisks: false }, vmm);
  const used = { name: driver.name, version: probe.version, accelerator: probe.accelerator };
  return { prepared, conducting: { vmm: used, conduct: onThisHost(vmm) } };
}

/** Of those that a node may choose from, one can save a running machine. */
const vmmOnGrid = ({ vmm, checkpointEvery }: SweepRunOptions) =>
  vmm === 'auto' && checkpointEvery !== undefined ? 'qemu' : vmm;

/** @throws GvaError CHECKPOINTS_NONE */
async function mustSaveOnGrid(
  prepared: PreparedAppliance,
  { vmm, qemu }: Pick<SweepRunOptions, 'vmm' | 'qemu'>,
): Promise<void> {
  const { vmmDrivers } = await import('../../library/vmms.js');
  const driver = vmmDrivers(undefined, qemu).get(vmm);
  if (driver) await mustSave({ prepared, keepDisks: false }, { driver });
}

export async function dryRunOf(
  name: string,
  options: SweepRunOptions & { grid: string },
  spec: Pick<SweepSpec, 'plan' | 'out' | 'limits'>,
  { abort }: StopSignals,
): Promise<ExitCode> {
  const { printDryRun, readSettings } = await import('./grid-run.js');
  return await printDryRun(await readSettings(name, options.out, options), spec, spec.plan.source, abort);
}
