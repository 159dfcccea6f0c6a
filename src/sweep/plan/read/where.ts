import type { ParameterDeclaration } from '../../../model/parameter.js';
import { GvaError } from '../../../system/errors.js';
import { filtered } from '../chosen.js';
import type { Entry } from '../entry.js';
import { type Variable, compileCondition } from '../expression.js';
import type { Group, Row } from '../row.js';
import type { PlanContext } from './context.js';

/** `where: CONDITION` or a list of conditions that must all hold; undefined, and told, where one is wrong. */
export function readWhere(
  entry: Entry,
  group: Group,
  context: PlanContext,
  inner: boolean,
): Group | undefined {
  const places = Array.isArray(entry.value) ? entry.items('') : [entry];
  if (!places || places.length === 0) return entry.fail('must be a condition or a list of them');
  const variables = variablesOf(group, context.parameters, inner);
  const conditions = places.map((place) => readCondition(place, variables));
  const good = conditions.filter((condition) => condition !== undefined);
  if (good.length < conditions.length) return undefined;
  return filtered(group, (row) => good.every((holds) => holds(row)));
}

function readCondition(
  place: Entry,
  variables: ReadonlyMap<string, Variable<Row>>,
): ((row: Row) => boolean) | undefined {
  const { value } = place;
  if (typeof value !== 'string' && typeof value !== 'boolean')
    return place.fail(
      'must be a condition such as "n < 2 * m" (in quotes, if YAML takes it for something else)',
    );
  try {
    return compileCondition(String(value), variables);
  } catch (error) {
    if (!(error instanceof GvaError)) throw error;
    return place.fail(error.message);
  }
}

/** Types of parameters in expressions. */
export const variableTypes = { int: 'number', float: 'number', string: 'string', bool: 'boolean' } as const;

/** Those that the group sets and, where it is a whole plan, all others, which have their defaults. */
function variablesOf(
  { sets }: Group,
  parameters: readonly ParameterDeclaration[],
  inner: boolean,
): Map<string, Variable<Row>> {
  const variables = new Map<string, Variable<Row>>();
  for (const [number, { name, type, default: value }] of parameters.entries()) {
    if (sets.has(number))
      variables.set(name, { type: variableTypes[type], read: ({ values }) => values[number] ?? '' });
    else if (!inner && value !== undefined)
      variables.set(name, { type: variableTypes[type], read: () => value });
  }
  return variables;
}
