import type { BaseChoice, PinnedBase } from '../../base/wanted.js';
import type { PreparedAppliance } from '../../instance/prepare.js';
import type { Plan } from '../../sweep/plan/plan.js';
import type { Conducting, SweepSpec } from '../../sweep/run-sweep.js';
import { type ExitCode, GvaError } from '../../system/errors.js';
import type { StopSignals } from '../action.js';
import { checkpointInterval, mustSave } from '../instance-options.js';
import type { SweepRunOptions } from './run.js';

// Where the points of a sweep are run, and on what.

/** The base that the sweep was run with before. @param strict it goes on with what it had */
export async function pinnedBase(folder: string, strict: boolean): Promise<PinnedBase | undefined> {
  const { readSavedRun } = await import('../../sweep/observe/saved-options.js');
  const saved = await readSavedRun(folder).catch(() => undefined);
  return saved?.base && { ...saved.base, strict };
}

/** Seconds. @throws GvaError USAGE */
export function checkpointEvery(options: SweepRunOptions): number | undefined {
  const every = checkpointInterval(options);
  if (every === undefined || options.grid === undefined) return every;
  throw new GvaError('USAGE', '--checkpoint-every is for instances on this host, not for a grid', {
    hint: 'Jobs of a grid begin their points anew.',
  });
}

/** What the points share, and who has them run: this host, or a grid. */
export async function openPlace(
  { source, points }: Plan,
  name: string,
  options: SweepRunOptions,
  choice: BaseChoice,
): Promise<{ prepared: PreparedAppliance; conducting: Conducting }> {
  const { openAppliance, prepareSource, withParamsOn } = await import('../open-appliance.js');
  const { grid } = options;
  if (grid !== undefined) {
    const { byGrid, readSettings } = await import('./grid-run.js');
    const onGrid = { ...options, grid };
    const settings = await readSettings(name, options.out, onGrid);
    const prepared = withParamsOn(await prepareSource(source, choice), options);
    return { prepared, conducting: byGrid(settings, onGrid) };
  }
  const { onThisHost } = await import('../../sweep/on-this-host.js');
  const { prepared, vmm } = await openAppliance(source, options, choice, Number(points.count));
  const { driver, probe } = vmm;
  if (options.checkpointEvery !== undefined) await mustSave({ prepared, keepDisks: false }, vmm);
  const used = { name: driver.name, version: probe.version, accelerator: probe.accelerator };
  return { prepared, conducting: { vmm: used, conduct: onThisHost(vmm) } };
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
