import { type ParameterValue } from '../../../model/parameter.js';
import { type Entry, isMapping } from '../entry.js';
import { isValue, valueProblem } from '../read-axis.js';
import { type Group, computedGroup } from '../row.js';
import { type PlanContext, defaultsOf, numberOf } from './context.js';

type Values = ReadonlyMap<number, ParameterValue>;

/** `points:`, a list of points with their values; undefined, and told, where one is wrong. */
export function readPoints(entry: Entry, context: PlanContext): Group | undefined {
  const items = entry.items('must be a list of points, each a mapping of parameters to values');
  if (!items) return undefined;
  if (items.length === 0) return entry.fail('must have at least one point');
  const points = items.map((item) => readPoint(item, context));
  const good = points.filter((point) => point !== undefined);
  if (good.length < points.length) return undefined;
  const sets = new Set(good.flatMap((point) => [...point.keys()]));
  const gaps = items.map((item, index) => {
    const missing = [...sets].filter((number) => !good[index]?.has(number));
    return defaultsOf(missing, item, context);
  });
  if (gaps.includes(undefined)) return undefined;
  const rows = good.map((point, index) => [
    ...point,
    ...(gaps[index] ?? []).map((gap) => [gap.number, gap.value] as const),
  ]);
  return computedGroup(sets, BigInt(rows.length), rows.length === 1, (index, row) => {
    for (const [number, value] of rows[index] ?? []) row.values[number] = value;
  });
}

/** One value for each of some parameters; undefined, and told, where one is wrong. */
export function readPoint(entry: Entry, context: PlanContext): Values | undefined {
  if (!isMapping(entry.value)) return entry.fail('must be parameters with one value each');
  const values = new Map<number, ParameterValue>();
  let good = true;
  for (const [name, field] of entry.fields('') ?? []) {
    const number = numberOf(name, field, context);
    const declaration = context.parameters[number];
    const problem = declaration && valueProblem(declaration, field.value);
    if (problem !== undefined) field.fail(problem);
    if (declaration && problem === undefined && isValue(field.value)) values.set(number, field.value);
    else good = false;
  }
  return good ? values : undefined;
}
