import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { SweepSpec } from '../sweep/run-sweep.js';
import { gridChunk, gridFiles } from '../system/paths.js';
import type { ChunkIntent } from './chunks.js';
import type { JobArray } from './engine.js';
import type { Group } from './groups.js';
import { jobResources } from './resources.js';
import type { GridSettings } from './settings.js';

/** What is to be submitted for these elements. @param exclude nodes that are avoided */
export function intentOf(
  { elements, growth }: Group,
  settings: GridSettings,
  { prepared, limits }: Pick<SweepSpec, 'prepared' | 'limits'>,
  exclude: readonly string[],
): ChunkIntent {
  const bundle = Math.max(...elements.map(({ length }) => length));
  const { hardware } = prepared.appliance;
  const { seconds, ...resources } = jobResources({
    ...{ hardware, time: settings.time, pointTime: limits.total, bundle, growth },
  });
  return {
    format: 'gva-grid-array/1',
    name: newName(settings.name),
    points: elements.map((element) => element.map(({ point }) => point.index)),
    resources: { ...resources, ...(seconds === undefined ? {} : { seconds }) },
    ...(settings.atOnce === undefined ? {} : { atOnce: settings.atOnce }),
    exclude: [...exclude],
    options: settings.options as ChunkIntent['options'],
    at: new Date().toISOString(),
  };
}

/** No other array of the user has it. @param sweep its name */
export const newName = (sweep: string) => `gva-${sweep.slice(0, 100)}-${randomBytes(4).toString('hex')}`;

/** @param sweep absolute path of its folder */
export function arrayOf(
  { number, intent }: { readonly number: number; readonly intent: ChunkIntent },
  sweep: string,
  command: GridSettings['command'],
): JobArray {
  const folder = gridChunk(sweep, number);
  const { name, points, resources, exclude, atOnce, options } = intent;
  return {
    ...{ name, elements: points.length, exclude, options },
    command: command(folder),
    logs: join(folder, gridFiles.logs),
    resources: { ...resources, seconds: resources.seconds },
    ...(atOnce === undefined ? {} : { atOnce }),
  };
}
