import { type Entry, isMapping } from '../entry.js';
import { crossed, zipped } from '../product.js';
import type { Group } from '../row.js';
import { readAxes } from './axes.js';
import type { PlanContext } from './context.js';
import { readJoined } from './joined.js';
import { readPoints } from './points.js';
import { readRepeat } from './repeat.js';
import { readSample } from './sample.js';
import { readTableEntry } from './table-entry.js';
import { readVariations, variationNames } from './variations.js';
import { readWhere } from './where.js';

/** Groups within groups. */
const deepest = 32;

type FactorReader = (entry: Entry, context: PlanContext) => Promise<Group[] | undefined>;

/** What may be in a group; each is a factor of it. */
const factors: Record<string, FactorReader> = {
  parameters: readAxes,
  cross: readCross,
  zip: async (entry, context) => listed(await readZip(entry, context)),
  table: async (entry, context) => listed(await readTableEntry(entry, context)),
  points: (entry, context) => Promise.resolve(listed(readPoints(entry, context))),
  sample: async (entry, context) => listed(await readSample(entry, context)),
  plans: async (entry, context) => listed(await readJoined(entry, context, readInnerGroup)),
};

export const groupNames = [...Object.keys(factors), ...variationNames, 'repeat', 'where'];

const listed = (group: Group | undefined) => group && [group];

/** A factor of a plan, for people. */
export interface Factor {
  /** The entry that it is from. */
  readonly name: string;
  readonly group: Group;
}

/**
 * What the entries of a plan, or of a part of one, mean together: all of them crossed in the order in which they are
 * written, the first changing slowest; then `repeat`, changing fastest; of these, what `where` lets pass. Undefined,
 * and told, where something is wrong.
 *
 * @param inner a part of a plan: what it does not set may be set elsewhere
 * @param onFactor is told what the group is made of
 */
export async function readGroup(
  entry: Entry,
  context: PlanContext,
  inner: boolean,
  onFactor: (factor: Factor) => void = () => undefined,
): Promise<Group | undefined> {
  if (entry.path.length > 2 * deepest) return entry.fail('groups are nested too deep');
  const found: { name: string; groups: Group[] | undefined }[] = [];
  for (const name of factorNames(entry)) {
    const read = factors[name];
    const groups = read ? await read(entry.at(name), context) : listed(await readVariations(entry, context));
    found.push({ name, groups });
  }
  const clear = checkOverlap(found, entry, context);
  const groups = found.flatMap((factor) => factor.groups ?? []);
  const whole = clear && found.every((factor) => factor.groups);
  const all = crossed(groups);
  const repeat = entry.has('repeat') ? readRepeat(entry.at('repeat'), all.sets, context) : undefined;
  const group = repeat ? crossed([...groups, repeat]) : all;
  for (const factor of [...found, { name: 'repeat', groups: listed(repeat) }])
    for (const part of factor.groups ?? []) onFactor({ name: factor.name, group: part });
  const where = entry.has('where') ? readWhere(entry.at('where'), group, context, inner) : group;
  return whole && (repeat || !entry.has('repeat')) ? where : undefined;
}

async function readInnerGroup(entry: Entry, context: PlanContext): Promise<Group | undefined> {
  if (!isMapping(entry.value)) return entry.fail(`must be a group: a mapping with ${groupNames.join(', ')}`);
  const known = entry.only(...groupNames);
  const group = await readGroup(entry, context, true);
  return known ? group : undefined;
}

/** `base`, `variations` and `one-at-a-time` are one factor, where the first of them stands. */
function factorNames(entry: Entry): string[] {
  const names = isMapping(entry.value) ? Object.keys(entry.value) : [];
  const [first] = names.filter((name) => variationNames.includes(name));
  return names.filter((name) => Object.hasOwn(factors, name) || name === first);
}

/** A parameter may have its values from one place only. */
function checkOverlap(
  found: readonly { name: string; groups: Group[] | undefined }[],
  entry: Entry,
  { parameters }: PlanContext,
): boolean {
  const before = new Map<number, string>();
  let clear = true;
  for (const { name, groups = [] } of found)
    for (const number of new Set(groups.flatMap(({ sets }) => [...sets]))) {
      const other = before.get(number);
      before.set(number, name);
      if (other === undefined) continue;
      entry.at(name).failName(`${parameters[number]?.name ?? ''} has its values from ${other} already`);
      clear = false;
    }
  return clear;
}

async function readCross(entry: Entry, context: PlanContext): Promise<Group[] | undefined> {
  const groups = await readInnerGroups(entry, context, 'must be a list of groups, each with its own entries');
  return groups && checkDisjoint(groups, entry, context) ? groups : undefined;
}

async function readZip(entry: Entry, context: PlanContext): Promise<Group | undefined> {
  const form = 'must be parameters with their values, or a list of groups';
  if (!isMapping(entry.value) && !Array.isArray(entry.value)) return entry.fail(form);
  const mapped = isMapping(entry.value);
  const groups = mapped ? await readAxes(entry, context) : await readInnerGroups(entry, context, form);
  if (!groups || !checkDisjoint(groups, entry, context)) return undefined;
  if (groups.length === 0) return entry.fail(form);
  if (groups.some(({ exact }) => !exact))
    return entry.fail(
      'where: and joined plans make no number of rows that is known, so they cannot go in step',
    );
  const sizes = groups.map(({ size }) => size);
  if (sizes.every((size) => size === sizes[0])) return zipped(groups);
  const names = mapped ? Object.keys(entry.value) : sizes.map((_, index) => `group ${index}`);
  const told = sizes.map((size, index) => `${names[index] ?? ''} ${size}`);
  entry.fail(`must be equally many to go in step: ${told.join(', ')}`);
}

async function readInnerGroups(
  entry: Entry,
  context: PlanContext,
  form: string,
): Promise<Group[] | undefined> {
  const items = entry.items(form);
  if (!items) return undefined;
  const groups: Group[] = [];
  for (const item of items) {
    const group = await readInnerGroup(item, context);
    if (group) groups.push(group);
  }
  return groups.length === items.length ? groups : undefined;
}

function checkDisjoint(groups: readonly Group[], entry: Entry, { parameters }: PlanContext): boolean {
  const all = groups.flatMap(({ sets }) => [...sets]);
  const twice = all.find((number, index) => all.indexOf(number) !== index);
  if (twice === undefined) return true;
  entry.fail(`${parameters[twice]?.name ?? ''} is in more than one group`);
  return false;
}
