import { join } from 'node:path';
import type { PreparedAppliance } from '../instance/prepare.js';
import { gridChunk, gridFiles } from '../system/paths.js';
import { bundleSize } from './bundle.js';
import type { JobArray } from './engine.js';
import { jobResources } from './resources.js';
import { type GridSettings, usualMostJobs } from './settings.js';

export interface DryRun {
  /** The first submission, exactly. */
  readonly text: string;
  /** Points of each element, elements in all, and submissions. */
  readonly bundle: number;
  readonly elements: number;
  readonly arrays: number;
}

/**
 * What would be submitted for so many points, none of which has been run. The name of the array is another each time.
 *
 * @param sweep absolute path of its folder, which need not be there
 */
export async function dryRun(
  settings: GridSettings,
  { sweep, points, hardware, pointTime }: DryRunOf,
  signal: AbortSignal,
): Promise<DryRun> {
  const { engine, options, atOnce, time, mostJobs = usualMostJobs } = settings;
  const limits = await engine.limits(signal);
  const facts = { points, pointSeconds: undefined, slots: undefined, elements: mostJobs };
  const bundle = settings.bundle ?? bundleSize(facts);
  const elements = Math.ceil(points / bundle);
  const folder = gridChunk(sweep, 1);
  const array: JobArray = {
    name: `gva-${settings.name}-00000000`,
    elements: Math.min(elements, limits.elements),
    command: settings.command(folder),
    logs: join(folder, gridFiles.logs),
    resources: jobResources({ hardware, time, pointTime, bundle, growth: { memory: 1, time: 1 } }),
    ...(atOnce === undefined ? {} : { atOnce }),
    exclude: [],
    options,
  };
  const arrays = Math.ceil(elements / limits.elements);
  return { text: engine.describe(array), bundle, elements, arrays };
}

export interface DryRunOf {
  readonly sweep: string;
  readonly points: number;
  readonly hardware: PreparedAppliance['appliance']['hardware'];
  /** Seconds that a point may take. */
  readonly pointTime: number | undefined;
}
