import { expect, it } from 'vitest';
import { Room } from '../../src/grid/room.js';

it.each([1, 3, 7, 10, 20, 60])(
  'as many bundles of %i points as there may be, and no point more',
  (bundle) => {
    const room = new Room(1001, bundle);
    let points = 0;
    while (!room.isFull && room.take(false)) points++;
    expect(points).toBe(1001 * bundle);
    expect(room.take(false)).toBe(false);
  },
);

it('a point that gets an element of its own does not fit beside a bundle that is begun', () => {
  const room = new Room(2, 2);
  expect([room.take(true), room.take(false), room.take(true)]).toEqual([true, true, false]);
  expect(room.isFull).toBe(false);
  expect(room.take(false)).toBe(true);
  expect(room.isFull).toBe(true);
});
