import { axisGroup } from '../axis.js';
import type { Entry } from '../entry.js';
import { readAxis } from '../read-axis.js';
import type { Group } from '../row.js';
import { type PlanContext, numberOf } from './context.js';

/** Names and entries of a mapping of parameters as groups, one for each; undefined, and told, where one is wrong. */
export async function readAxes(entry: Entry, context: PlanContext): Promise<Group[] | undefined> {
  const fields = entry.fields('must be parameters with their values');
  if (!fields) return undefined;
  const groups: (Group | undefined)[] = [];
  for (const [name, field] of fields) {
    const number = numberOf(name, field, context);
    const declaration = context.parameters[number];
    const axis = declaration && (await readAxis(declaration, field, context));
    groups.push(axis && axisGroup(number, axis));
  }
  const whole = groups.filter((group) => group !== undefined);
  return whole.length === groups.length ? whole : undefined;
}
