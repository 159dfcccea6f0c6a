import type { ParameterValue } from '../../../model/parameter.js';
import { listAxis, axisGroup } from '../axis.js';
import { concatenated } from '../concatenation.js';
import type { Entry } from '../entry.js';
import { crossed } from '../product.js';
import type { Group } from '../row.js';
import { readAxes } from './axes.js';
import { type PlanContext, defaultsOf } from './context.js';
import { readPoint } from './points.js';

export const variationNames = ['base', 'variations', 'one-at-a-time'];

/**
 * `base:`, one value for each of some parameters; `variations:`, a list of parameters with the values they have
 * instead; `one-at-a-time:`, parameters with the values that each has while all others stay. The base is the first
 * point. Parameters that it does not set stay at their defaults. Undefined, and told, where something is wrong.
 */
export async function readVariations(plan: Entry, context: PlanContext): Promise<Group | undefined> {
  const base = plan.has('base') ? readPoint(plan.at('base'), context) : new Map<number, ParameterValue>();
  const listed = plan.has('variations') ? await readVariationList(plan.at('variations'), context) : [];
  const single = plan.has('one-at-a-time') ? await readAxes(plan.at('one-at-a-time'), context) : [];
  if (!base || !listed || !single) return undefined;
  const varied = [...listed, ...single.map((group) => [group])];
  const unset = new Set(varied.flat().flatMap(({ sets }) => [...sets].filter((number) => !base.has(number))));
  const defaults = defaultsOf(unset, plan.at('base'), context);
  if (!defaults) return undefined;
  const fixed = [...base, ...defaults.map(({ number, value }) => [number, value] as const)].map(
    ([number, value]) => axisGroup(number, listAxis([value])),
  );
  const parts = [[], ...varied].map((groups) => ({
    // What is varied comes behind the base, and so takes its place.
    group: overriding(crossed(fixed), groups),
    ...{ fill: [], files: [] },
  }));
  return concatenated(parts, context.newPlace());
}

async function readVariationList(entry: Entry, context: PlanContext): Promise<Group[][] | undefined> {
  const items = entry.items('must be a list of parameters with the values that they have instead');
  if (!items) return undefined;
  const groups: Group[][] = [];
  for (const item of items) {
    const axes = await readAxes(item, context);
    if (axes) groups.push(axes);
  }
  return groups.length === items.length ? groups : undefined;
}

/** The base, which is one row, with other values for some of its parameters. */
const overriding = (base: Group, groups: readonly Group[]): Group => crossed([base, ...groups]);
