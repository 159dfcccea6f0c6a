import type { ParameterDeclaration } from '../../../model/parameter.js';
import { withinDeclared } from '../axis.js';
import { type Entry, isMapping } from '../entry.js';
import { readNumbers, readSeed, readWhole } from '../numbers.js';
import { readAxis } from '../read-axis.js';
import type { Group } from '../row.js';
import { type Dimension, choiceDimension, intervalDimension, sampleGroup, sampleMethods } from '../sample.js';
import { mostSobolDimensions, mostSobolPoints } from '../sobol.js';
import { type PlanContext, numberOf } from './context.js';

/** `sample: { method, count, seed, parameters }`; undefined, and told, where something is wrong. */
export async function readSample(entry: Entry, context: PlanContext): Promise<Group | undefined> {
  const form = 'must be { method: latin-hypercube, count: N, seed: N, parameters: ... }';
  if (!entry.fields(form) || !entry.only('method', 'count', 'seed', 'parameters')) return undefined;
  const method = sampleMethods.find((known) => known === entry.at('method').value);
  if (!method) entry.at('method').fail(`must be one of ${sampleMethods.join(', ')}`);
  const count = readWhole(entry.at('count'), 1, mostSobolPoints);
  const seeded = entry.has('seed');
  const seed = readSeed(entry.at('seed'));
  const dimensions = await readDimensions(entry.at('parameters'), context);
  if (!method || count === undefined || seed === undefined || !dimensions) return undefined;
  if (method === 'sobol' && dimensions.length > mostSobolDimensions)
    return entry.at('parameters').fail(`a Sobol sequence has at most ${mostSobolDimensions} parameters here`);
  return sampleGroup({ method, count, seed: seeded || method !== 'sobol' ? seed : undefined, dimensions });
}

async function readDimensions(entry: Entry, context: PlanContext): Promise<Dimension[] | undefined> {
  const fields = entry.fields('must be parameters with the values that they may have');
  if (!fields) return undefined;
  if (fields.length === 0) return entry.fail('must have at least one parameter');
  const dimensions: (Dimension | undefined)[] = [];
  for (const [name, field] of fields) {
    const number = numberOf(name, field, context);
    const declaration = context.parameters[number];
    dimensions.push(declaration && (await readDimension(number, declaration, field, context)));
  }
  const good = dimensions.filter((dimension) => dimension !== undefined);
  return good.length === dimensions.length ? good : undefined;
}

/** `{ range: [FIRST, LAST] }` and `{ log: [FIRST, LAST] }` are intervals; everything else is a choice among values. */
async function readDimension(
  number: number,
  declaration: ParameterDeclaration,
  entry: Entry,
  context: PlanContext,
): Promise<Dimension | undefined> {
  const { value } = entry;
  const form = isMapping(value) && ['range', 'log'].find((name) => Object.hasOwn(value, name));
  const ends = typeof form === 'string' ? entry.at(form) : undefined;
  if (ends === undefined || !Array.isArray(ends.value) || ends.value.length !== 2) {
    const axis = await readAxis(declaration, entry, context);
    if (axis && axis.count > 2n ** 32n) return entry.fail('are too many values for a choice');
    return axis && choiceDimension(number, axis);
  }
  if (!entry.only(String(form))) return undefined;
  const numbers = readNumbers(declaration, ends, '[FIRST, LAST]', { least: 2, most: 2 });
  if (!numbers) return undefined;
  const [from = 0, to = 0] = numbers;
  if (from >= to) return ends.fail('FIRST must be less than LAST');
  if (form === 'log' && from <= 0) return ends.fail('FIRST and LAST must be greater than 0');
  if (declaration.values) return ends.fail('only some values are declared: list those that are wanted');
  const axis = { count: 2n, at: (index: number) => (index === 0 ? from : to) };
  if (!withinDeclared(declaration, axis, ends)) return undefined;
  return intervalDimension(number, declaration, [from, to], form === 'log');
}
