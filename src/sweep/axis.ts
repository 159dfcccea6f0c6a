import { type ParameterDeclaration, type ParameterValue, parameterProblem } from '../model/parameter.js';

/** The values that one parameter takes in a sweep, in order. */
export interface Axis {
  readonly name: string;
  readonly count: bigint;
  /** @param index from 0, below `count` */
  at(index: number): ParameterValue;
}

/** Something wrong with what a plan says of a parameter; `path` leads from there to the place. */
export interface AxisProblem {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  /** It is about the name of the entry, not its value. */
  readonly key?: true;
}

export type AxisOutcome =
  | { readonly axis: Axis; readonly problems?: never }
  | { readonly axis?: never; readonly problems: readonly AxisProblem[] };

const isValue = (value: unknown): value is ParameterValue =>
  typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean';

export function listAxis(name: string, values: readonly ParameterValue[]): Axis {
  return { name, count: BigInt(values.length), at: (index) => values[index] as ParameterValue };
}

/** What a plan says of a declared parameter: a value, a list of values, or `{ range: [...] }`. */
export function readAxis(declaration: ParameterDeclaration, given: unknown): AxisOutcome {
  if (isValue(given)) return readList(declaration, [given], () => []);
  if (Array.isArray(given)) return readList(declaration, given, (index) => [index]);
  if (typeof given === 'object' && given !== null) return readRangeEntry(declaration, given);
  return one([], 'must be a value, a list of values or { range: [FIRST, LAST, STEP] }');
}

const one = (path: readonly PropertyKey[], message: string): AxisOutcome => ({
  problems: [{ path, message }],
});

function readList(
  declaration: ParameterDeclaration,
  given: readonly unknown[],
  path: (index: number) => PropertyKey[],
): AxisOutcome {
  if (given.length === 0) return one([], 'must have at least one value');
  const seen = new Map<unknown, number>();
  const problems: AxisProblem[] = [];
  for (const [index, value] of given.entries()) {
    const first = seen.get(value);
    seen.set(value, first ?? index);
    const problem = isValue(value)
      ? parameterProblem(declaration, value)
      : 'must be a number, a string, true or false';
    if (problem !== undefined) problems.push({ path: path(index), message: problem });
    else if (first !== undefined)
      problems.push({ path: path(index), message: `${JSON.stringify(value)} is there twice` });
  }
  if (problems.length > 0) return { problems };
  return { axis: listAxis(declaration.name, given.filter(isValue)) };
}

function readRangeEntry(declaration: ParameterDeclaration, given: object): AxisOutcome {
  const unknown = Object.keys(given).filter((key) => key !== 'range');
  if (unknown.length > 0)
    return {
      problems: unknown.map((name) => ({
        ...{ path: [name], message: `unknown entry ${JSON.stringify(name)}` },
        key: true,
      })),
    };
  const range = (given as { range?: unknown }).range;
  if (declaration.type !== 'int' && declaration.type !== 'float')
    return one(['range'], `a ${declaration.type} has no ranges: list its values`);
  if (!Array.isArray(range) || range.length < 2 || range.length > 3)
    return one(['range'], 'must be [FIRST, LAST] or [FIRST, LAST, STEP]');
  const kind = declaration.type === 'int' ? 'an integer' : 'a number';
  const fits = declaration.type === 'int' ? Number.isSafeInteger : Number.isFinite;
  const problems = range.flatMap((value: unknown, index) =>
    fits(value)
      ? []
      : [
          {
            path: ['range', index],
            message: `must be ${kind}, not ${typeof value === 'number' ? value : JSON.stringify(value)}`,
          },
        ],
  );
  if (problems.length > 0) return { problems };
  const [first, last, step = 1] = range as [number, number, number?];
  return checkRange(declaration, first, last, step);
}

function checkRange(
  declaration: ParameterDeclaration,
  first: number,
  last: number,
  step: number,
): AxisOutcome {
  if (step === 0) return one(['range', 2], 'the step must not be 0');
  if (first !== last && last > first !== step > 0)
    return one(['range'], `goes the wrong way: steps of ${step} lead from ${first} away from ${last}`);
  const axis = rangeAxis(declaration.name, first, last, step);
  if (axis.count > BigInt(Number.MAX_SAFE_INTEGER)) return { axis };
  const end = Number(axis.count) - 1;
  const problems = [0, ...(end > 0 ? [end] : [])].flatMap((index) => {
    const value = axis.at(index);
    const problem = parameterProblem(declaration, value);
    const message = `its ${index === 0 ? 'first' : 'last'} value, ${value}, ${problem ?? ''}`;
    return problem === undefined ? [] : [{ path: ['range', index === 0 ? 0 : 1], message }];
  });
  if (problems.length > 0) return { problems };
  return innerProblem(declaration, axis, end) ?? { axis };
}

/** A range within the limits may still miss the declared values; the first miss is enough to say. */
function innerProblem(declaration: ParameterDeclaration, axis: Axis, end: number): AxisOutcome | undefined {
  if (!declaration.values) return undefined;
  // Distinct values, so that one beyond the number of those allowed is a miss at the latest.
  for (let index = 1; index < end && index <= declaration.values.length; index++) {
    const problem = parameterProblem(declaration, axis.at(index));
    if (problem !== undefined) return one(['range'], `its value ${axis.at(index)} ${problem}`);
  }
  return undefined;
}

/**
 * The numbers first, first + step, first + 2 step ... up to last. They are computed with the decimals as
 * written, exactly: [0, 0.3, 0.1] has four values, and the third is 0.2.
 */
export function rangeAxis(name: string, first: number, last: number, step: number): Axis {
  const decimals = Math.max(...[first, last, step].map(decimalsOf));
  const [a, z, d] = [scaled(first, decimals), scaled(last, decimals), scaled(step, decimals)];
  return {
    name,
    count: (z - a) / d + 1n,
    at: (index) => Number(`${a + BigInt(index) * d}e-${decimals}`),
  };
}

/** Digits after the point in the shortest form that reads back equal. */
function decimalsOf(value: number): number {
  const [mantissa = '', exponent = '0'] = String(value).split('e');
  return Math.max(0, (mantissa.split('.')[1] ?? '').length - Number(exponent));
}

/** value * 10^decimals, which is an integer. */
function scaled(value: number, decimals: number): bigint {
  const [mantissa = '', exponent = '0'] = String(value).split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  return BigInt(whole + fraction) * 10n ** BigInt(decimals + Number(exponent) - fraction.length);
}
