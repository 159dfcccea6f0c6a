import type { ParameterDeclaration } from '../../model/parameter.js';
import { type Axis, withinDeclared } from './axis.js';
import type { Entry } from './entry.js';
import { readNumbers } from './numbers.js';

/** `[FIRST, LAST]` or `[FIRST, LAST, STEP]` as an axis; undefined, and told, where it is none. */
export function readRange(declaration: ParameterDeclaration, range: Entry): Axis | undefined {
  const form = '[FIRST, LAST] or [FIRST, LAST, STEP]';
  const numbers = readNumbers(declaration, range, form, { least: 2, most: 3 });
  if (!numbers) return undefined;
  const [first = 0, last = 0, step = 1] = numbers;
  if (step === 0) return range.at(2).fail('the step must not be 0');
  if (first !== last && last > first !== step > 0)
    return range.fail(`goes the wrong way: steps of ${step} lead from ${first} away from ${last}`);
  const axis = rangeAxis(first, last, step);
  return withinDeclared(declaration, axis, range) ? axis : undefined;
}

/**
 * The numbers first, first + step, first + 2 step ... up to last. They are computed with the decimals as
 * written, exactly: [0, 0.3, 0.1] has four values, and the third is 0.2.
 */
export function rangeAxis(first: number, last: number, step: number): Axis {
  const decimals = Math.max(...[first, last, step].map(decimalsOf));
  const [a, z, d] = [scaled(first, decimals), scaled(last, decimals), scaled(step, decimals)];
  const count = (z - a) / d + 1n;
  const mayRepeat = largest(a, z) > 10n ** 15n && decimals > 0 ? { mayRepeat: true as const } : {};
  // Both are then doubles without error, and their quotient is the double nearest to the decimal number.
  if (largest(a, z) <= BigInt(Number.MAX_SAFE_INTEGER) && decimals <= 22) {
    const [start, stride, scale] = [Number(a), Number(d), 10 ** decimals];
    return { count, at: (index) => (start + index * stride) / scale, ...mayRepeat };
  }
  return { count, at: (index) => Number(`${a + BigInt(index) * d}e-${decimals}`), ...mayRepeat };
}

const largest = (a: bigint, b: bigint) => [a, -a, b, -b].reduce((most, each) => (each > most ? each : most));

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
