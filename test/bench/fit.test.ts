import { expect, it } from 'vitest';
import { leastSquares, powerLaw } from '../../bench/fit.js';

it('a line is found, and the best one where there is none', () => {
  const exact = leastSquares([1, 2, 5], [5, 7, 13]);
  expect(exact.slope).toBeCloseTo(2);
  expect(exact.intercept).toBeCloseTo(3);
  const best = leastSquares([1, 2, 3], [1, 3, 2]);
  expect(best.slope).toBeCloseTo(0.5);
  expect(best.intercept).toBeCloseTo(1);
});

it('a power law is found', () => {
  const { exponent, factor } = powerLaw([1, 10, 100], [3, 3 * 10 ** 1.5, 3000]);
  expect(exponent).toBeCloseTo(1.5);
  expect(factor).toBeCloseTo(3);
});
