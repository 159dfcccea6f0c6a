import { type ParameterDeclaration, type ParameterValue, parameterProblem } from '../../model/parameter.js';
import { type Axis, listAxis } from './axis.js';
import { readDates } from './dates.js';
import { type Entry, isMapping } from './entry.js';
import { readMatching } from './matching.js';
import { readRandom } from './random-axis.js';
import { readRange } from './range.js';
import { readLinear, readLogarithmic } from './spaced.js';

/** What a plan's entries are read with. */
export interface AxisContext {
  /** Absolute; patterns are relative to it. */
  readonly folder: string;
  /** Takes what a person should know though it is no mistake. */
  readonly note: (text: string) => void;
}

type Reader = (
  declaration: ParameterDeclaration,
  entry: Entry,
  context: AxisContext,
) => Axis | undefined | Promise<Axis | undefined>;

const readers: Record<string, Reader> = {
  range: (declaration, entry) => readRange(declaration, entry.at('range')),
  linear: (declaration, entry) => readLinear(declaration, entry.at('linear')),
  log: (declaration, entry, { note }) => readLogarithmic(declaration, entry.at('log'), note),
  dates: (declaration, entry) => readDates(declaration, entry.at('dates')),
  matching: (declaration, entry, { folder }) => readMatching(declaration, entry.at('matching'), folder),
  random: readRandom,
};
/** What may stand beside the form. */
const companions: Record<string, string[]> = { random: ['seed'] };

const forms =
  'must be a value, a list of values, or one of { range: [FIRST, LAST, STEP] }, { linear: [FIRST, LAST, COUNT] }, ' +
  '{ log: [FIRST, LAST, COUNT] }, { dates: [FIRST, LAST, STEP] }, { matching: PATTERN }, { random: [FROM, TO, COUNT] }';

/**
 * What a plan says of a declared parameter as its values, in order; undefined, and told, where it cannot be. A value
 * that is listed twice is a mistake: more often a slip than meant, and its points would be the same.
 */
export async function readAxis(
  declaration: ParameterDeclaration,
  entry: Entry,
  context: AxisContext,
): Promise<Axis | undefined> {
  const { value } = entry;
  if (isValue(value)) return readList(declaration, entry, [value], () => entry);
  if (Array.isArray(value)) return readList(declaration, entry, value, (index) => entry.at(index));
  if (!isMapping(value)) return entry.fail(forms);
  const form = Object.keys(readers).find((name) => Object.hasOwn(value, name));
  const reader = readers[form ?? ''];
  if (form === undefined || !reader) return entry.fail(forms);
  if (!entry.only(form, ...(companions[form] ?? []))) return undefined;
  return reader(declaration, entry, context);
}

export const isValue = (value: unknown): value is ParameterValue =>
  typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean';

function readList(
  declaration: ParameterDeclaration,
  entry: Entry,
  given: readonly unknown[],
  place: (index: number) => Entry,
): Axis | undefined {
  if (given.length === 0) return entry.fail('must have at least one value');
  const seen = new Set<unknown>();
  let good = true;
  for (const [index, value] of given.entries()) {
    const problem =
      valueProblem(declaration, value) ??
      (seen.has(value) ? `${JSON.stringify(value)} is there twice` : undefined);
    seen.add(value);
    if (problem === undefined) continue;
    place(index).fail(problem);
    good = false;
  }
  return good ? listAxis(given.filter(isValue)) : undefined;
}

/** What is wrong with something as the value of a parameter, as the end of a sentence. */
export function valueProblem(declaration: ParameterDeclaration, value: unknown): string | undefined {
  return isValue(value) ? parameterProblem(declaration, value) : 'must be a number, a string, true or false';
}
