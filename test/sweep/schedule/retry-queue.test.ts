import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RetryQueue } from '../../../src/sweep/schedule/retry-queue.js';
import { searching } from '../../../src/sweep/schedule/run-order.js';

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index).values();

describe('a queue', () => {
  test('gives fresh points while nothing waits', () => {
    const queue = new RetryQueue(numbers(2));
    expect([queue.next(0), queue.next(0), queue.next(0)]).toEqual([
      { item: 0, fresh: true },
      { item: 1, fresh: true },
      undefined,
    ]);
  });

  test('takes no fresh point before it is asked for one', () => {
    let taken = 0;
    const fresh = (function* () {
      for (;;) yield taken++;
    })();
    const queue = new RetryQueue(fresh);
    queue.next(0);
    queue.next(0);
    expect(taken).toBe(2);
  });

  test('says how long to wait when only later ones are left', () => {
    const queue = new RetryQueue<number>(numbers(0));
    queue.add(7, 12.5);
    queue.add(8, 11);
    expect(queue.next(10)).toEqual({ wait: 1 });
    expect(queue.next(11)).toEqual({ item: 8, fresh: false });
    expect(queue.next(11)).toEqual({ wait: 1.5 });
  });

  test('is to be asked again at once while it is searched for a fresh one, if nothing is due', () => {
    const queue = new RetryQueue([searching, 1, searching, searching, 2][Symbol.iterator]());
    expect(queue.next(0)).toEqual({ wait: 0 });
    expect(queue.next(0)).toEqual({ item: 1, fresh: true });
    queue.add(8, 0);
    queue.add(9, 0);
    expect(queue.next(0)).toEqual({ item: 8, fresh: false });
    expect(queue.next(0)).toEqual({ item: 9, fresh: false });
    expect(queue.next(0)).toEqual({ wait: 0 });
    expect(queue.next(0)).toEqual({ item: 2, fresh: true });
    expect(queue.next(0)).toBeUndefined();
  });

  test('gives what is due first, but every second one is fresh', () => {
    const queue = new RetryQueue<number>(numbers(4));
    for (const item of [10, 11, 12]) queue.add(item, 0);
    const order = Array.from({ length: 7 }, () => queue.next(1)?.item);
    expect(order).toEqual([10, 0, 11, 1, 12, 2, 3]);
  });

  test('gives one that has come back after the fresh ones ran out', () => {
    const queue = new RetryQueue<number>(numbers(1));
    expect(queue.next(0)?.item).toBe(0);
    expect(queue.next(0)).toBeUndefined();
    queue.add(0, 0);
    expect(queue.next(0)).toEqual({ item: 0, fresh: false });
  });

  test('holds fresh points back while too many wait', () => {
    const queue = new RetryQueue<number>(numbers(9), 2);
    queue.add(20, 5);
    expect(queue.next(0)?.item).toBe(0);
    queue.add(21, 6);
    expect(queue.next(0)).toEqual({ wait: 5 });
    expect(queue.next(5)?.item).toBe(20);
    expect(queue.next(5)?.item).toBe(1);
  });

  test('loses those that are taken out, and no others', () => {
    const queue = new RetryQueue<number>(numbers(0));
    for (const item of [5, 3, 9, 1, 7, 2]) queue.add(item, item);
    expect(queue.remove((item) => item > 4).sort()).toEqual([5, 7, 9]);
    const rest = Array.from({ length: 4 }, () => queue.next(100)?.item);
    expect([rest, queue.waiting]).toEqual([[1, 2, 3, undefined], 0]);
  });
});

test('whatever comes back and when: everything is given once, nothing too early, nothing starves', () => {
  const step = fc.record({ delay: fc.nat({ max: 50 }), back: fc.boolean(), pass: fc.nat({ max: 5 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), fc.nat({ max: 60 }), fc.integer({ min: 1, max: 8 }), run),
    { numRuns: 200 },
  );
});

function run(
  steps: readonly { delay: number; back: boolean; pass: number }[],
  count: number,
  most: number,
): void {
  const queue = new RetryQueue(numbers(count), most);
  const due = new Map<number, number>();
  const finished: number[] = [];
  let [now, at, retriesInARow] = [0, 0, 0];
  for (let turn = 0; ; turn++) {
    expect(turn).toBeLessThan(2000);
    const next = queue.next(now);
    if (next === undefined) break;
    if (next.wait !== undefined) {
      expect(next.wait).toBeCloseTo(Math.min(...due.values()) - now, 9);
      now += next.wait;
      continue;
    }
    expect(due.get(next.item) ?? -Infinity).toBeLessThanOrEqual(now);
    // Nothing else that was due came earlier.
    if (!next.fresh) expect(due.get(next.item)).toBe(Math.min(...due.values()));
    expect(due.has(next.item)).toBe(!next.fresh);
    due.delete(next.item);
    const { delay = 0, back = false, pass = 1 } = steps[at++] ?? {};
    retriesInARow = next.fresh ? 0 : retriesInARow + 1;
    if (finished.length + due.size + 1 < count && due.size + 1 < most) expect(retriesInARow).toBeLessThan(2);
    if (back) {
      queue.add(next.item, now + delay);
      due.set(next.item, now + delay);
    } else finished.push(next.item);
    expect(queue.waiting).toBe(due.size);
    expect(queue.waiting).toBeLessThanOrEqual(most);
    now += pass;
  }
  expect(finished.sort((a, b) => a - b)).toEqual([...numbers(count)]);
}
