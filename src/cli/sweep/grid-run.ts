import { resolve } from 'node:path';
import { GridCoordinator } from '../../grid/coordinator.js';
import { readGridConfig } from '../../grid/config.js';
import { dryRun } from '../../grid/dry-run.js';
import type { GridSettings } from '../../grid/settings.js';
import { writeWork } from '../../grid/work.js';
import type { PreparedAppliance } from '../../instance/prepare.js';
import type { StartChoice } from '../../model/start.js';
import { countPoints } from '../../sweep/plan/points.js';
import type { Conducting, SweepSpec } from '../../sweep/run-sweep.js';
import { ExitCode } from '../../system/errors.js';
import { gvaProgram } from '../../system/package.js';
import type { GridWords } from './grid-options.js';
import { engineOf, gridSettings } from './grid-options.js';

/** Bytes that images take on each node, at most. */
const nodeCache = 20 * 2 ** 30;

export interface GridRunOptions extends GridWords {
  readonly grid: string;
  readonly vmm: string;
  readonly start: StartChoice;
  readonly qemu?: string;
  readonly detach?: boolean;
}

/** Everything about the grid but the work, which is written when the sweep's folder is there. */
type Settings = Omit<GridSettings, 'work'>;

/** @throws GvaError USAGE, CONFIG_INVALID */
export async function readSettings(name: string, out: string, options: GridRunOptions): Promise<Settings> {
  const config = await readGridConfig();
  const engine = await engineOf(options.grid);
  const node = config.node ?? process.execPath;
  const environment = [
    ...(config.nodeCache === undefined ? [] : [`GVA_NODE_CACHE=${config.nodeCache}`]),
    ...['GVA_UML_KERNEL', 'GVA_SANDBOX'].flatMap((variable) => {
      const value = process.env[variable];
      return value === undefined || value === '' ? [] : [`${variable}=${value}`];
    }),
  ];
  const gva = [...(environment.length === 0 ? [] : ['/usr/bin/env', ...environment]), ...[node, gvaProgram]];
  return {
    ...(await gridSettings(options, config)),
    engine,
    name: name.replace(/[^\w.-]/g, '_'),
    leave: options.detach ?? false,
    command: (chunk) => [...gva, 'run', '--spec', chunk],
    summary: options.summaryJob ? [...gva, 'sweep', 'status', resolve(out)] : undefined,
  };
}

/** Has the points run by the grid. */
export function byGrid(settings: Settings, options: GridRunOptions): Conducting {
  return {
    // Each node has its own.
    vmm: { name: options.vmm, version: '', accelerator: settings.engine.name },
    conduct: async (parts, signals) => {
      const { out, prepared, limits, keep, keepDisks, checkpointEvery } = parts.spec;
      const { boot, total, powerOff } = limits;
      const work = await writeWork(out, prepared, {
        vmm: options.vmm,
        start: options.start,
        ...(options.qemu === undefined ? {} : { qemu: resolve(options.qemu) }),
        limits: { boot, powerOff, ...(total === undefined ? {} : { total }) },
        ...{ keep, keepDisks, nodeCache },
        ...(checkpointEvery === undefined ? {} : { checkpointEvery }),
      });
      return GridCoordinator.start(parts, { ...settings, work }, signals);
    },
  };
}

/** Prints what would be submitted. */
export async function printDryRun(
  settings: Settings,
  { plan, out, limits }: Pick<SweepSpec, 'plan' | 'out' | 'limits'>,
  { appliance }: Pick<PreparedAppliance, 'appliance'>,
  signal: AbortSignal,
): Promise<ExitCode> {
  const points = Number(await countPoints(plan.points, signal));
  const about = { sweep: resolve(out), points, hardware: appliance.hardware, pointTime: limits.total };
  const { text, bundle, elements, arrays } = await dryRun({ ...settings, work: '' }, about, signal);
  process.stdout.write(text);
  const several = arrays > 1 ? `; this is the first of ${arrays} arrays` : '';
  console.error(`nothing was submitted: ${points} points, ${bundle} for each of ${elements} jobs${several}`);
  return ExitCode.ok;
}
