import type { Entry } from '../entry.js';
import { readSeed, readWhole } from '../numbers.js';
import { repeatGroup, seedRange } from '../repeat.js';
import type { Group } from '../row.js';
import type { PlanContext } from './context.js';

/**
 * `repeat: { count, parameter, seed, same }`; undefined, and told, where something is wrong.
 *
 * @param others numbers of the parameters that the points are told by
 */
export function readRepeat(
  entry: Entry,
  others: ReadonlySet<number>,
  context: PlanContext,
): Group | undefined {
  const form = 'must be { count: N, parameter: NAME }, with seed: N and same: true if wanted';
  if (!entry.fields(form) || !entry.only('count', 'parameter', 'seed', 'same')) return undefined;
  const count = readWhole(entry.at('count'), 1);
  const seed = readSeed(entry.at('seed'));
  const same: unknown = entry.at('same').value ?? false;
  const place = entry.at('parameter');
  const parameter = context.parameters.findIndex(({ name }) => name === place.value);
  const declaration = context.parameters[parameter];
  if (typeof same !== 'boolean') return entry.at('same').fail('must be true or false');
  if (!declaration)
    return place.fail(`must be the parameter that gets the seed: ${context.unknown(String(place.value))}`);
  if (declaration.type !== 'int' || declaration.values)
    return place.fail('must be an int that may have any value');
  if (others.has(parameter)) return place.fail(`${declaration.name} has its values from elsewhere already`);
  if (count === undefined || seed === undefined) return undefined;
  const possible = seedRange(declaration).count;
  if (count > possible)
    return entry.at('count').fail(`${declaration.name} has only ${possible} different seeds`);
  return repeatGroup({
    declaration,
    parameter,
    count,
    seed,
    same,
    others: [...others].sort((a, b) => a - b),
  });
}
