import type { ParameterDeclaration } from '../../model/parameter.js';
import { type Axis, withinDeclared } from './axis.js';
import type { Entry } from './entry.js';
import { readNumbers, readSeed, readWhole } from './numbers.js';
import { Random, stream } from './random.js';

/** `{ random: [FROM, TO, COUNT], seed: N }`: uniformly distributed values; undefined, and told, where it is none. */
export function readRandom(declaration: ParameterDeclaration, entry: Entry): Axis | undefined {
  const place = entry.at('random');
  const numbers = readNumbers(declaration, place, '[FROM, TO, COUNT]', { least: 3, most: 3 });
  const seed = readSeed(entry.at('seed'));
  if (!numbers || seed === undefined) return undefined;
  const [from = 0, to = 0] = numbers;
  const count = readWhole(place.at(2), 1);
  if (count === undefined) return undefined;
  if (from >= to) return place.fail('FROM must be less than TO');
  const ends = { count: 2n, at: (index: number) => (index === 0 ? from : to) };
  if (declaration.values) return place.fail('only some values are declared: list those that are wanted');
  if (!withinDeclared(declaration, ends, place)) return undefined;
  const axis = randomAxis({ seed, name: declaration.name, whole: declaration.type === 'int' }, from, to);
  return { count: BigInt(count), at: axis, mayRepeat: true };
}

/** Axes of one seed differ by the names of their parameters. */
function randomAxis(
  { seed, name, whole }: { seed: number; name: string; whole: boolean },
  from: number,
  to: number,
): (index: number) => number {
  const random = new Random(seed, stream.axis, name);
  return (index) => {
    const [part] = random.pair(index, 0);
    return whole ? wholeBetween(part, from, to) : numberBetween(part, from, to);
  };
}

/** @param part from 0, below 1 */
export const wholeBetween = (part: number, from: number, to: number): number =>
  Math.min(to, from + Math.floor(part * (to - from + 1)));

/** @param part from 0, below 1 */
export const numberBetween = (part: number, from: number, to: number): number =>
  // The sum of two products has no overflow where the difference would have.
  Math.min(to, Math.max(from, from * (1 - part) + to * part));
