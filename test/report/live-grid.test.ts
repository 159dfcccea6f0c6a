import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cellState, countStates, layOutGrid, placeOf, pointAt } from '../../src/report/live/grid.js';
import { keyMove } from '../../src/report/live/key-move.js';
import { codeOf } from '../../src/report/live/states.js';

describe('the grid of points', () => {
  test.each([
    [10, 1100],
    [10, 340],
    [1000, 1100],
    [100_000, 1100],
    [1_000_000, 340],
  ])('has room for %d points on %d pixels', (count, width) => {
    const grid = layOutGrid(count, width, 420);
    expect(grid.columns * grid.step).toBeLessThanOrEqual(width);
    expect(grid.height).toBeLessThanOrEqual(420);
    expect(grid.columns * grid.rows * grid.share).toBeGreaterThanOrEqual(count);
  });

  test('shows each of 100,000 points on a screen by itself', () => {
    expect(layOutGrid(100_000, 1100, 420).share).toBe(1);
  });

  test('finds each point where it is drawn', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 300_000 }),
        fc.integer({ min: 100, max: 1400 }),
        fc.nat(),
        (count, width, pick) => {
          const grid = layOutGrid(count, width, 420);
          const point = pick % count;
          const { x, y } = placeOf(grid, point);
          const found = pointAt(grid, count, x + grid.side / 2, y + grid.side / 2)!;
          expect(Math.floor(found / grid.share)).toBe(Math.floor(point / grid.share));
        },
      ),
    );
    const grid = layOutGrid(5, 200, 420);
    expect(pointAt(grid, 5, 199, 1)).toBeUndefined();
    expect(pointAt(grid, 5, 1, 300)).toBeUndefined();
  });

  test('shows of several points what matters most', () => {
    const states = Uint8Array.from(
      ['done', 'done', 'failed', 'pending'].map((state) => codeOf(state as 'done')),
    );
    expect(cellState(states, 0, 4)).toBe('failed');
    expect(cellState(states, 0, 2)).toBe('done');
    expect(cellState(states, 3, 2)).toBe('pending');
    expect(countStates(states)).toMatchObject({ done: 2, failed: 1, pending: 1 });
  });
});

test.each([
  ['ArrowRight', 0, 1],
  ['ArrowLeft', 0, 0],
  ['ArrowDown', 3, 13],
  ['ArrowDown', 23, 23],
  ['ArrowUp', 3, 3],
  ['ArrowUp', 13, 3],
  ['PageDown', 0, 24],
  ['PageUp', 24, 0],
  ['End', 0, 24],
  ['Home', 24, 0],
  ['constructor', 3, undefined],
  ['a', 3, undefined],
])('the key %s goes from point %d to %s', (key, from, to) => {
  expect(keyMove(key, from, 25, { columns: 10, share: 1 })).toBe(to);
});
