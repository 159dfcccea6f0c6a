import { describe, expect, test } from 'vitest';
import {
  type EndedPoint,
  StopConditions,
  type StopCounts,
  parseFailureLimit,
} from '../../../src/sweep/schedule/stop-conditions.js';

const counts = (changes: Partial<StopCounts> = {}): StopCounts => ({
  ...{ done: 0, failed: 0, lost: 0, pending: 0, points: 100, seconds: 0 },
  ...changes,
});
const point: EndedPoint = { parameters: {} };

describe('a limit of failures', () => {
  test.each([
    ['10', { count: 10 }],
    [' 5% ', { percent: 5 }],
    ['2.5 %', { percent: 2.5 }],
    ['100%', { percent: 100 }],
  ])('%s', (text, limit) => {
    expect(parseFailureLimit(text)).toEqual(limit);
  });

  test.each(['', '0', '0%', '-1', '1.5', '101%', '5%%', 'many', '1e3', '99999999999999999999'])(
    '"%s" is none',
    (text) => {
      expect(() => parseFailureLimit(text)).toThrow('is no number of failures');
    },
  );

  test('stops with the last of so many', () => {
    const stop = new StopConditions({ maxFailures: { count: 3 } });
    expect(stop.check(counts({ failed: 1, lost: 1, done: 50 }), point)).toBeUndefined();
    expect(stop.check(counts({ failed: 1, lost: 2, done: 50 }), point)).toBe(
      '3 points failed (--max-failures 3)',
    );
    expect(new StopConditions({ maxFailures: { count: 1 } }).check(counts({ lost: 1 }), point)).toBe(
      '1 point failed (--max-failures 1)',
    );
  });

  test('as a part of those that ended: from twenty on', () => {
    const stop = new StopConditions({ maxFailures: { percent: 10 } });
    expect(stop.check(counts({ failed: 19 }), point)).toBeUndefined();
    expect(stop.check(counts({ failed: 1, done: 19 }), point)).toBeUndefined();
    expect(stop.check(counts({ failed: 2, done: 18 }), point)).toBe(
      '2 points failed of 20 that ended (--max-failures 10%)',
    );
    expect(stop.check(counts({ done: 40 }), point)).toBeUndefined();
  });
});

const parameters = [
  { name: 'n', type: 'int' },
  { name: 'mode', type: 'string' },
  { name: 'exact', type: 'bool' },
  { name: 'done', type: 'string' },
] as const;
const stopWhen = (when: string) => new StopConditions({ when, parameters });

describe('a condition', () => {
  const ended: EndedPoint = {
    parameters: { n: 4, mode: 'fast', exact: true, done: 'a parameter' },
    data: { error: 0.001, energy: '-3.5', converged: true, note: 'text', list: [1], empty: '' },
  };
  const state = counts({ done: 10, failed: 2, lost: 1, pending: 87, seconds: 3600 });

  test.each([
    ['done >= 10 && failed + lost == 3', true],
    ['pending * 100 / points < 90', true],
    ['seconds > 3600', false],
    ['n == 4 && mode == "fast" && exact', true],
    ['error < 0.01', true],
    ['energy < -3 && converged == 1', true],
    ['min(error, n) < 1', true],
    ['note != 1', false],
    ['list == 1 || true', false],
    ['!(empty < 1)', false],
    ['missing < 1 || done > 0', false],
    ['constructor == 0 || true', false],
  ])('%s: %s', (text, holds) => {
    expect(stopWhen(text).check(state, ended)).toBe(holds ? `${text} holds (--stop-when)` : undefined);
  });

  test('that names what no point has left is told, with what there is', () => {
    const stop = stopWhen('eror < 1 && energy < 0');
    expect(stop.warning).toBeUndefined();
    stop.check({ ...state, done: 1 }, ended);
    expect(stop.warning).toBe(
      '--stop-when names eror, which no point has left as a number so far (1 done): it cannot hold. ' +
        'What they have left: error, energy, converged, note, list, empty',
    );
    expect(stop.takeEarlyWarning()).toBeUndefined();
    stop.check(state, { parameters: {} });
    expect(stop.takeEarlyWarning()).toContain(
      'names eror, which no point has left as a number so far (10 done)',
    );
    expect(stop.takeEarlyWarning()).toBeUndefined();
    stop.check(state, { parameters: {}, data: { eror: 3 } });
    expect(stop.warning).toBeUndefined();
  });

  test('has nothing to be told where it names no results, or nothing is done', () => {
    const counting = stopWhen('failed > 3');
    counting.check(state, ended);
    expect(counting.warning).toBeUndefined();
    const early = stopWhen('eror < 1');
    early.check({ ...state, done: 0 }, { parameters: {} });
    expect(early.warning).toBeUndefined();
    early.check(state, { parameters: {} });
    expect(early.warning).toContain('What they have left: nothing');
  });

  test('does not hold for a point without results', () => {
    expect(
      stopWhen('error < 1 || failed > 0').check(state, { parameters: ended.parameters }),
    ).toBeUndefined();
  });

  test.each([
    ['', 'is empty'],
    ['done', 'is a number, not a condition'],
    ['mode == 1', 'has == with string and number'],
    ['error == "x"', 'has == with number and string'],
    ['min > 3', 'names the function min without (...)'],
    ['point.error < 1', 'has something other than values'],
    ['done = 3', 'cannot be read'],
  ])('"%s" is refused', (text, reason) => {
    expect(() => stopWhen(text)).toThrow(`the condition of --stop-when ${reason}`);
  });
});
