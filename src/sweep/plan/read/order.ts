import type { ParameterDeclaration } from '../../../model/parameter.js';
import type { Point } from '../../../model/sweep.js';
import { GvaError } from '../../../system/errors.js';
import type { Entry } from '../entry.js';
import { type Variable, compileNumber } from '../expression.js';
import type { PointOrder } from '../ordered.js';
import { variableTypes } from './where.js';

/** `order: EXPRESSION`, a number for each point; undefined where there is none, or, told, where it is wrong. */
export function readOrder(entry: Entry, parameters: readonly ParameterDeclaration[]): PointOrder | undefined {
  const { value } = entry;
  if (value === undefined) return undefined;
  if (typeof value !== 'string' && typeof value !== 'number')
    return entry.fail('must be a number of each point such as n, or "-n * m"');
  const variables = new Map<string, Variable<Point>>();
  for (const { name, type } of parameters)
    variables.set(name, { type: variableTypes[type], read: (point) => point.parameters[name] ?? '' });
  try {
    return { text: String(value), keyOf: compileNumber(String(value), variables) };
  } catch (error) {
    if (!(error instanceof GvaError)) throw error;
    return entry.fail(error.message);
  }
}
