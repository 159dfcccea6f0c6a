/** y = intercept + slope x. */
export interface Line {
  readonly slope: number;
  readonly intercept: number;
}

/** The line with the least sum of squared distances in y. */
export function leastSquares(xs: readonly number[], ys: readonly number[]): Line {
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const [meanX, meanY] = [mean(xs), mean(ys)];
  const products = xs.map((x, i) => (x - meanX) * ((ys[i] ?? NaN) - meanY));
  const squares = xs.map((x) => (x - meanX) ** 2);
  const slope = mean(products) / mean(squares);
  return { slope, intercept: meanY - slope * meanX };
}

/** y = factor x^exponent, by the line through the logarithms. All must be more than 0. */
export function powerLaw(xs: readonly number[], ys: readonly number[]): { exponent: number; factor: number } {
  const { slope, intercept } = leastSquares(xs.map(Math.log), ys.map(Math.log));
  return { exponent: slope, factor: Math.exp(intercept) };
}
