import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type ApplianceSource, loadSource } from '../../../appliance/source.js';
import { type KeepKind, keepKinds } from '../../../model/keep.js';
import { GvaError } from '../../../system/errors.js';
import { applianceFiles } from '../../../system/paths.js';
import { parseDuration } from '../../../system/units.js';
import { type Entry, isMapping } from '../entry.js';

/** What a plan wants to become of the points' outputs. */
export interface OutputWishes {
  readonly keep?: KeepKind;
  /** Seconds after which the output of a running point is brought home, again and again. */
  readonly collectEvery?: number;
  readonly gather?: GatherWish;
}

/** What is to be done with all outputs when all points have ended. */
export type GatherWish =
  | { readonly kind: 'command'; readonly command: string }
  | { readonly kind: 'appliance'; readonly source: ApplianceSource };

/** @param folder of the plan */
export async function readOutputWishes(top: Entry, folder: string): Promise<OutputWishes> {
  const keep = top.has('keep') ? readKeep(top.at('keep')) : undefined;
  const gather = top.has('gather') ? await readGather(top.at('gather'), folder) : undefined;
  const collectEvery = top.has('collect-every') ? readInterval(top.at('collect-every')) : undefined;
  return {
    ...(keep ? { keep } : {}),
    ...(collectEvery === undefined ? {} : { collectEvery }),
    ...(gather ? { gather } : {}),
  };
}

function readKeep(entry: Entry): KeepKind | undefined {
  const kind = keepKinds.find((known) => known === entry.value);
  return kind ?? entry.fail(`must be one of ${keepKinds.join(', ')}`);
}

function readInterval(entry: Entry): number | undefined {
  const { value } = entry;
  const seconds =
    typeof value === 'string' || typeof value === 'number' ? parseDuration(String(value)) : undefined;
  return seconds !== undefined && seconds >= 1 ? seconds : entry.fail('must be a duration such as 10m');
}

async function readGather(entry: Entry, folder: string): Promise<GatherWish | undefined> {
  const { value } = entry;
  if (typeof value === 'string' && value.trim() !== '') return { kind: 'command', command: value };
  if (!isMapping(value) || !entry.has('appliance'))
    return entry.fail('must be a command, or { appliance: DIR }');
  if (!entry.only('appliance')) return undefined;
  const appliance = entry.at('appliance');
  if (typeof appliance.value !== 'string' || appliance.value === '')
    return appliance.fail('must be the folder of an appliance, or a package');
  try {
    const source = await loadSource(resolve(folder, appliance.value));
    return checkGatherSource(source, (problem) => appliance.fail(problem))
      ? { kind: 'appliance', source }
      : undefined;
  } catch (error) {
    if (error instanceof GvaError && error.code === 'APPLIANCE_MISSING') return appliance.fail(error.message);
    throw error;
  }
}

/** What is known of a gathering appliance before its disks are made. @param tell takes what is wrong with it */
export function checkGatherSource(source: ApplianceSource, tell: (problem: string) => unknown): boolean {
  const { name, parameters } = source.appliance;
  const open = parameters.filter((parameter) => parameter.default === undefined);
  if (source.kind === 'folder' && existsSync(join(source.folder, applianceFiles.data))) {
    tell(`${name} has a data disk of its own; that of a gathering appliance has the outputs`);
    return false;
  }
  if (open.length === 0) return true;
  tell(`${name} has parameters without a default: ${open.map((parameter) => parameter.name).join(', ')}`);
  return false;
}
