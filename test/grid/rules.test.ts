import { describe, expect, test } from 'vitest';
import { bundleSize } from '../../src/grid/bundle.js';
import { type WorkerEnd, classify, rules } from '../../src/grid/classify.js';
import type { ElementEnd, ElementState } from '../../src/grid/engine.js';
import { groupsOf } from '../../src/grid/groups.js';
import { Nodes } from '../../src/grid/nodes.js';
import { Pace } from '../../src/grid/pace.js';
import {
  type GridRetryLimits,
  type GridTally,
  afterFailure,
  afterLoss,
  noGridTally,
} from '../../src/grid/retry.js';

const began: WorkerEnd = { began: true, ended: false };
const ended = (end: ElementEnd): ElementState => ({
  ...{ array: '1', element: 0, state: 'ended', end, word: end },
});

describe('the kind of a failure', () => {
  const trouble = (code: string, avoidNode: boolean) => ({
    ...began,
    trouble: { code, message: '', avoidNode },
  });
  test.each<[string, WorkerEnd, ElementState | undefined, string]>([
    ['the grid knows why it was ended', { ...began, stopped: 'TERM' }, ended('preempted'), 'preempted'],
    ['the worker knows its node', trouble('VMM_MISSING', true), ended('failed'), 'node-unfit'],
    ['a full disk of the node is the fault of the node', trouble('ENOSPC', true), undefined, 'node-unfit'],
    [
      'the sweep is full everywhere',
      trouble('SHARED_FOLDER_FULL', false),
      ended('failed'),
      'file-system-full',
    ],
    ['what no node can do', trouble('ALLOCATION', false), ended('failed'), 'worker-failed'],
    ['a job whose time was over', { ...began, stopped: 'TIME' }, ended('failed'), 'out-of-time'],
    ['the same, forgotten by the grid', { ...began, stopped: 'TIME' }, undefined, 'out-of-time'],
    ['a good end with points missing', { ...began, ended: true }, ended('completed'), 'worker-failed'],
    ['told to end by somebody', { ...began, stopped: 'TERM' }, undefined, 'worker-failed'],
    ['nobody knows', began, undefined, 'vanished'],
  ])('%s', (_, worker, seen, kind) => {
    expect(classify(worker, seen)).toBe(kind);
  });
});

describe('what follows from a loss', () => {
  const limits: GridRetryLimits = {
    ...{ attempts: 2, retryFailed: 1, retryTimeouts: false, delay: 2 },
    growth: { memory: 2, time: 1 },
  };
  const loss = (kind: keyof typeof rules, change = {}) => ({ kind, begun: true, alone: false, ...change });

  test('nobody is blamed for what had not begun', () => {
    for (const kind of Object.keys(rules) as (keyof typeof rules)[]) {
      const decision = afterLoss(loss(kind, { begun: false }), noGridTally, limits);
      if (rules[kind].then === 'cancel') expect(decision).toEqual({ next: 'cancelled' });
      else expect(decision).toMatchObject({ next: 'again', tally: { blame: 0, growth: { memory: 1 } } });
    }
  });

  test('three failures of nodes are one attempt', () => {
    let tally: GridTally = noGridTally;
    for (let times = 1; ; times++) {
      const decision = afterLoss(loss('node-failed'), tally, limits);
      if (decision.next !== 'again') {
        expect(decision).toEqual({ next: 'final', reason: 'set aside after 6 attempts' });
        expect(times).toBe(6);
        return;
      }
      expect(decision.delay).toBe(2 ** times);
      tally = decision.tally;
    }
  });

  test('what is never blamed comes back for a long time, and not for ever', () => {
    let tally: GridTally = noGridTally;
    let times = 0;
    for (;;) {
      const decision = afterLoss(loss('preempted'), tally, limits);
      if (decision.next !== 'again') break;
      expect(decision.delay).toBeLessThanOrEqual(300);
      tally = decision.tally;
      times++;
    }
    expect(times).toBe(49);
  });

  test('what was saved comes back for ever, and at once', () => {
    const before: GridTally = { ...noGridTally, blame: 1, again: 49 };
    const decision = afterLoss(loss('saved', { alone: true }), before, limits);
    expect(decision).toEqual({ next: 'again', delay: 2, tally: before });
  });

  test('memory grows each time, up to a limit', () => {
    const many = { ...limits, attempts: 100 };
    let tally: GridTally = noGridTally;
    const factors = Array.from({ length: 6 }, () => {
      const decision = afterLoss(loss('out-of-memory'), tally, many);
      if (decision.next === 'again') tally = decision.tally;
      return tally.growth.memory;
    });
    expect(factors).toEqual([2, 4, 8, 16, 16, 16]);
  });

  test('a time limit is final for a point that had all of it, unless it may grow', () => {
    const alone = loss('time-limit', { alone: true });
    expect(afterLoss(alone, noGridTally, limits).next).toBe('final');
    expect(afterLoss(loss('time-limit'), noGridTally, limits).next).toBe('again');
    expect(afterLoss(alone, noGridTally, { ...limits, retryTimeouts: true }).next).toBe('again');
    const growing = { ...limits, growth: { memory: 1, time: 1.5 } };
    expect(afterLoss(alone, noGridTally, growing)).toMatchObject({ tally: { growth: { time: 1.5 } } });
  });

  test('an application that failed is tried as often as was asked for', () => {
    const first = afterFailure(noGridTally, limits);
    expect(first).toMatchObject({ next: 'again', tally: { failed: 1, blame: 0 } });
    if (first.next === 'again') expect(afterFailure(first.tally, limits).next).toBe('final');
  });
});

describe('points of an element', () => {
  const facts = { points: 1000, pointSeconds: undefined, slots: undefined, elements: 5000 };
  test.each([
    ['unknown ones', {}, 10],
    ['short ones', { pointSeconds: 0.5 }, 600],
    ['long ones', { pointSeconds: 4000 }, 1],
    ['so many that there is room for all', { points: 100_000 }, 20],
    ['not so many that a part of the grid is idle', { pointSeconds: 0.5, slots: 100 }, 5],
    ['none at all', { points: 0 }, 10],
  ])('%s', (_, change, bundle) => {
    expect(bundleSize({ ...facts, ...change })).toBe(bundle);
  });
});

test('points that may have ended their jobs get one of their own, and more by what they need', () => {
  const due = (index: number, change: Partial<GridTally> = {}) => ({
    ...{ point: { index, parameters: {} }, id: '', attempt: 1, inTheWay: undefined },
    tally: { ...noGridTally, ...change },
  });
  const grown = { growth: { memory: 2, time: 1 }, blame: 1 };
  const groups = groupsOf([due(1), due(2, { blame: 1 }), due(3), due(4, grown), due(5)], 2);
  const numbers = groups.map(({ elements }) => elements.map((one) => one.map(({ point }) => point.index)));
  expect(numbers).toEqual([[[1, 3], [2], [5]], [[4]]]);
  expect(groups.map(({ growth }) => growth.memory)).toEqual([1, 2]);
});

describe('nodes', () => {
  const reason = { code: 'VMM_MISSING', message: 'no QEMU' };

  test('that failed are avoided for a while', () => {
    const nodes = new Nodes();
    nodes.failed('n2', 10);
    nodes.failed('n1', 20);
    expect(nodes.excluded(30)).toEqual(['n1', 'n2']);
    expect(nodes.excluded(1815)).toEqual(['n1']);
    expect(nodes.excluded(2000)).toEqual([]);
    expect(nodes.trouble).toBeUndefined();
  });

  test('that are unfit are avoided for good; three with one reason are enough', () => {
    const nodes = new Nodes();
    nodes.unfit('n1', reason);
    nodes.unfit('n2', { code: 'OTHER', message: 'x' });
    nodes.unfit('n1', reason);
    nodes.unfit('n3', reason);
    expect(nodes.excluded(1e6)).toEqual(['n1', 'n2', 'n3']);
    expect(nodes.forgive()).toBe(false);
    expect(nodes.trouble).toBeUndefined();
    nodes.unfit('n4', reason);
    expect(nodes.trouble?.message).toBe('3 nodes cannot run instances: no QEMU');
  });

  test('where nothing gets as far as a point are avoided once others do', () => {
    const nodes = new Nodes();
    nodes.begun('good');
    for (let times = 0; times < 3; times++) {
      expect(nodes.excluded(0)).toEqual([]);
      nodes.fruitless('bad', reason, '/log');
    }
    expect(nodes.excluded(0)).toEqual(['bad']);
    expect(nodes.trouble).toBeUndefined();
  });

  test('where a point was begun between are not', () => {
    const nodes = new Nodes();
    for (let times = 0; times < 2; times++) nodes.fruitless('n1', reason, '/log');
    nodes.begun('n1');
    for (let times = 0; times < 2; times++) nodes.fruitless('n1', reason, '/log');
    expect(nodes.excluded(0)).toEqual([]);
  });
});

test('the grid is asked less often than one looks, and ever more seldom while it is silent', () => {
  const pace = new Pace({ shortest: 2, longest: 30 });
  expect(pace.mayAsk(0)).toBe(true);
  pace.answered(0);
  expect([pace.mayAsk(9), pace.mayAsk(10)]).toEqual([false, true]);
  const waits = Array.from({ length: 7 }, () => {
    pace.silent(0);
    return [10, 20, 40, 80, 160, 300].find((seconds) => pace.mayAsk(seconds));
  });
  expect(waits).toEqual([10, 20, 40, 80, 160, 300, 300]);
  pace.urge();
  expect(pace.mayAsk(0)).toBe(true);
});
