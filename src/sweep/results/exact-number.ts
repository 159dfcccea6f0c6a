/** A decimal number, without leading zeros: 007 is a name. */
const decimal = /^[-+]?(?:(0|[1-9]\d*)(?:(\.)(\d*))?|(\.)(\d+))(e[-+]?\d{1,4})?$/i;

/**
 * The number that a text stands for; undefined where it is none, or one that would not be read back as it was:
 * an integer beyond 2^53, or a fraction that has digits which a double of IEEE 754 does not have.
 */
export function exactNumber(text: string): number | undefined {
  // Number.prototype.toPrecision() goes to 100 digits.
  const match = text.length <= 100 ? decimal.exec(text) : null;
  if (!match) return undefined;
  const [, whole = '', dot, fraction = '', leadingDot, digits = '', exponent] = match;
  const value = Number(text);
  if ((dot ?? leadingDot ?? exponent) === undefined) return Number.isSafeInteger(value) ? value : undefined;
  const significant = significantDigits(whole + fraction + digits);
  if (significant === '') return value;
  if (!Number.isFinite(value) || value === 0) return undefined;
  // Of two texts that are as near to it, toPrecision() has the greater one, and programs may print the other.
  const readBack = [value.toPrecision(significant.length), String(value)];
  return readBack.some((each) => digitsOf(each) === significant) ? value : undefined;
}

const digitsOf = (text: string) => significantDigits(text.replace(/e.*/, '').replace(/[-.]/g, ''));

const significantDigits = (digits: string) => digits.replace(/^0+/, '');

/** How programs print what is no decimal number (C11, 7.21.6.1; Python, Java). */
const specials: Readonly<Record<string, number>> = {
  ...{ nan: NaN, '-nan': NaN, NaN },
  ...{ inf: Infinity, Infinity, '-inf': -Infinity, '-Infinity': -Infinity },
};

/** Not a number, or infinite; undefined for any other text. */
export const specialNumber = (text: string): number | undefined =>
  Object.hasOwn(specials, text) ? specials[text] : undefined;
