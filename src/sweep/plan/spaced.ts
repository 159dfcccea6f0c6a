import type { ParameterDeclaration } from '../../model/parameter.js';
import { type Axis, listAxis, withinDeclared } from './axis.js';
import type { Entry } from './entry.js';
import { readNumbers, readWhole } from './numbers.js';

/** Integers of a logarithmic axis are gone through when the plan is read. */
const mostLogIntegers = 1_000_000;

/** `[FIRST, LAST, COUNT]`, evenly spaced, as an axis; undefined, and told, where it is none. */
export function readLinear(declaration: ParameterDeclaration, linear: Entry): Axis | undefined {
  const run = readRun(declaration, linear);
  if (!run) return undefined;
  const { first, last, count } = run;
  if (declaration.type === 'int' && BigInt(count - 1) > spread(first, last))
    return linear.fail(`there are only ${spread(first, last) + 1n} integers from ${first} to ${last}`);
  const axis = declaration.type === 'int' ? linearIntegers(run) : linearNumbers(run);
  return withinDeclared(declaration, axis, linear) ? axis : undefined;
}

/** `[FIRST, LAST, COUNT]`, each value the one before times a constant; undefined, and told, where it is none. */
export function readLogarithmic(
  declaration: ParameterDeclaration,
  log: Entry,
  note: (text: string) => void,
): Axis | undefined {
  const run = readRun(declaration, log);
  if (!run) return undefined;
  const { first, last, count } = run;
  if (first <= 0 || last <= 0) return log.fail('FIRST and LAST must be greater than 0');
  if (declaration.type === 'int' && count > mostLogIntegers)
    return log.at(2).fail(`must be at most ${mostLogIntegers} for integers`);
  const axis = declaration.type === 'int' ? logIntegers(run) : logNumbers(run);
  if (axis.count < BigInt(count))
    note(
      `${declaration.name}: ${count} logarithmic steps from ${first} to ${last} are ${axis.count} different integers`,
    );
  return withinDeclared(declaration, axis, log) ? axis : undefined;
}

interface Run {
  readonly first: number;
  readonly last: number;
  readonly count: number;
}

function readRun(declaration: ParameterDeclaration, entry: Entry): Run | undefined {
  const form = '[FIRST, LAST, COUNT]';
  const items: unknown = entry.value;
  if (!Array.isArray(items) || items.length !== 3) {
    if (declaration.type === 'int' || declaration.type === 'float') return entry.fail(`must be ${form}`);
    return entry.fail(`a ${declaration.type} has no ranges: list its values`);
  }
  const numbers = readNumbers(declaration, entry, form, { least: 3, most: 3 });
  if (!numbers) return undefined;
  const [first = 0, last = 0] = numbers;
  const count = readWhole(entry.at(2), 2);
  if (count === undefined) return undefined;
  return first === last ? entry.fail('FIRST and LAST are the same: one value') : { first, last, count };
}

const spread = (first: number, last: number) => {
  const difference = BigInt(last) - BigInt(first);
  return difference < 0n ? -difference : difference;
};

/** Rounded to the nearest integer, halves up. Their distance is at least 1, so no two are equal. */
function linearIntegers({ first, last, count }: Run): Axis {
  const steps = BigInt(count - 1);
  const length = BigInt(last) - BigInt(first);
  const floor = (a: bigint, b: bigint) => (a < 0n && a % b !== 0n ? a / b - 1n : a / b);
  return {
    count: BigInt(count),
    at: (index) => Number(BigInt(first) + floor(2n * length * BigInt(index) + steps, 2n * steps)),
  };
}

/** With 15 significant digits, which hide the rounding errors: [0, 1, 11] has 0.3, not 0.30000000000000004. */
function linearNumbers({ first, last, count }: Run): Axis {
  const step = last / (count - 1) - first / (count - 1);
  const close = Math.abs(step) < Math.max(Math.abs(first), Math.abs(last)) * 1e-13;
  return {
    count: BigInt(count),
    at: (index) => ended({ first, last, count }, index) ?? significant(first + step * index, 15),
    ...(close ? { mayRepeat: true } : {}),
  };
}

/** With 12 significant digits, so that a logarithm's last bit, which may differ by machine, is not in them. */
function logNumbers(run: Run): Axis {
  const { first, last, count } = run;
  const [from, to] = [Math.log10(first), Math.log10(last)];
  const step = (to - from) / (count - 1);
  return {
    count: BigInt(count),
    at: (index) => ended(run, index) ?? significant(10 ** (from + step * index), 12),
    ...(Math.abs(step) < 1e-10 ? { mayRepeat: true } : {}),
  };
}

function logIntegers(run: Run): Axis {
  const { at } = logNumbers(run);
  const all = Array.from({ length: run.count }, (_, index) => Math.round(Number(at(index))));
  return listAxis(all.filter((value, index) => value !== all[index - 1]));
}

function ended({ first, last, count }: Run, index: number): number | undefined {
  return index === 0 ? first : index === count - 1 ? last : undefined;
}

const significant = (value: number, digits: number) => Number(value.toPrecision(digits));
