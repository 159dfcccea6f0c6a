import fc from 'fast-check';
import { expect, test } from 'vitest';
import { exactNumber } from '../../../src/sweep/results/exact-number.js';

test.each([
  ...['0', '-1', '+5', '49', '9007199254740991', '0.1', '1.50', '.5', '2.', '1e3', '-2.5E-7', '0.0', '1e22'],
  // As C prints doubles: 17 digits, and exactly.
  ...['0.10000000000000001', '0.1000000000000000055511151231257827'],
])('%s is a number', (text) => {
  expect(exactNumber(text)).toBe(Number(text));
});

test.each([
  ...['', ' 1', '1 ', '0x10', '1_000', '1,5', 'NaN', 'Infinity', '-', '.', 'e5', '1e', '--1', '1e99999'],
  // Names that look like numbers.
  ...['007', '00', '-01.5'],
  // What a double cannot hold.
  ...['9007199254740993', '12345678901234567890', '18446744073709551616', '0.123456789012345678901'],
  ...['1e400', '1e-400', '9'.repeat(101)],
])('"%s" stays text', (text) => {
  expect(exactNumber(text)).toBeUndefined();
});

test('every finite double is read back from each form in which programs print it', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      const forms = [value.toExponential(), value.toPrecision(17), value.toExponential(30)];
      // An integer beyond 2^53 is a name, unless it has a point or an exponent.
      if (Math.abs(value) < 2 ** 53) forms.push(String(value));
      for (const form of forms)
        if (/[.e]/.test(form) || Number.isSafeInteger(value)) expect(exactNumber(form)).toBe(Number(form));
    }),
  );
});
