import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { SweepView } from '../../src/cli/sweep/run-view.js';
import type { InstanceState } from '../../src/model/result.js';
import type { SweepSummary } from '../../src/model/sweep.js';
import { runningStatus } from '../sweep/observe-fixture.js';
import { exitCodeOfSweep } from '../../src/cli/sweep/run.js';

let text: string;
let now: number;
beforeEach(() => {
  text = '';
  now = 0;
  vi.stubEnv('TERM', 'xterm');
});

afterEach(() => vi.unstubAllEnvs());

function makeView({ isTTY = false, quiet = false, columns = 60 } = {}) {
  return new SweepView({ isTTY, columns, write: (part) => (text += part) }, quiet, undefined, () => now);
}

const begin = (view: SweepView, points: number, kept = 0) =>
  view.event({ event: 'begun', points, kept, parallel: 2 });

function runPoint(view: SweepView, index: number, state: InstanceState, message = 'it broke') {
  const point = { index, parameters: { n: index, word: 'two\n\u001b[31mlines' } };
  view.event({ event: 'point-started', point });
  const times = { ...{ staged: 0, booted: 0, ready: 0, scriptsStarted: 0 } };
  const outcome = { state, status: 0, times: { ...times, scriptsEnded: 0, poweredOff: 0, collected: 0.5 } };
  view.event({
    event: 'point-ended',
    point,
    outcome: { ...outcome, ...(state === 'done' ? {} : { message }) },
  });
}

const summary: SweepSummary = {
  ...{ folder: 'out', results: 'out/results.csv', points: 9, kept: 2, interrupted: false, seconds: 4.25 },
  counts: { pending: 0, done: 9, failed: 0, lost: 0 },
};

describe('without a terminal', () => {
  test('has a line for each point of a small sweep', () => {
    using view = makeView();
    begin(view, 4, 1);
    runPoint(view, 1, 'done');
    runPoint(view, 2, 'failed', 'script \u001b]0;x\u0007 ended with status 3');
    runPoint(view, 3, 'cancelled');
    expect(text.split('\n')).toEqual([
      '4 points, 1 of them done before; 2 at once',
      '[2/4] point 1 (n=1, word=two lines) done in 0.50 s',
      'failed: point 2 (n=2, word=two lines): script \ufffd]0;x\ufffd ended with status 3',
      '',
    ]);
  });

  test('has a line now and then of a large one', () => {
    using view = makeView();
    begin(view, 1000);
    for (let index = 0; index < 100; index++) {
      now += 0.125;
      runPoint(view, index, 'done');
    }
    expect(text.split('\n').slice(1)).toEqual([
      '40/1000 done, 0 running, 480/min, about 2m00s left',
      '80/1000 done, 0 running, 480/min, about 1m55s left',
      '',
    ]);
  });

  test('tells the first failures, and that there are more', () => {
    using view = makeView();
    begin(view, 1000);
    for (let index = 0; index < 100; index++) runPoint(view, index, 'lost');
    const lines = text.trimEnd().split('\n').slice(1);
    expect(lines).toHaveLength(21);
    expect(lines.at(-1)).toBe('more failures are not shown here, only counted');
  });

  test('quiet, tells failures only', () => {
    using view = makeView({ quiet: true });
    begin(view, 3);
    runPoint(view, 0, 'done');
    runPoint(view, 1, 'failed');
    view.end({ ...summary, counts: { ...summary.counts, failed: 1 } });
    expect(text).toBe('failed: point 1 (n=1, word=two lines): it broke\n');
  });
});

test('what is run again, pauses and ends is told', () => {
  using view = makeView();
  begin(view, 100);
  const point = { index: 3, parameters: { n: 3 } };
  // A result that was there already has never run.
  const outcome = { state: 'done', status: 0, times: null } as const;
  view.event({ event: 'point-ended', point: { ...point, index: 1 }, outcome });
  view.event({ event: 'point-started', point });
  view.finishing();
  view.interrupted();
  const lost = { ...outcome, state: 'lost', cause: 'panic' } as const;
  view.event({ event: 'point-again', point, outcome: lost, delay: 1.5 });
  view.event({ event: 'paused', reason: 'the disk is full' });
  view.event({ event: 'resumed' });
  view.event({ event: 'note', code: 'STOP_WHEN_UNSEEN', message: 'there is no \u0007eror' });
  view.finishing();
  expect(text.split('\n').slice(1)).toEqual([
    'no more is begun; waiting for the running instance (once more: end now)',
    'ending the running instance; what is done is kept (once more: quit at once)',
    'lost: point 3 (n=3): panic; again in 2 s',
    'paused: the disk is full',
    'goes on',
    'note: there is no \ufffderor',
    '',
  ]);
});

describe('on a terminal', () => {
  test('shows the estimate of the sweep itself', () => {
    using view = makeView({ isTTY: true, columns: 200 });
    begin(view, 100);
    view.progress(runningStatus);
    expect(text).toContain(
      '5/100 done, 2 running, 2 failed, 1 lost, 8.3/min, about 11m00s (10m00s to 13m00s) left',
    );
  });

  test('draws one line again, below what stays, no wider than the terminal', () => {
    using view = makeView({ isTTY: true, columns: 30 });
    begin(view, 3);
    now = 6;
    runPoint(view, 0, 'done');
    runPoint(view, 1, 'failed');
    view.end(summary);
    const drawn = text.split('\r\x1b[2K');
    expect(drawn).toContain('1/3 done, 0 running, 10/min, ');
    expect(drawn).toContain('failed: point 1 (n=1, word=two lines): it broke\n1/3 done, 1 running, 10/min, ');
    expect(drawn.at(-1)).toBe('9 points: 9 done (2 done before) in 4.25 s\nresults: out/results.csv\n');
  });

  test('that can draw nothing, prints lines', () => {
    vi.stubEnv('TERM', 'dumb');
    using view = makeView({ isTTY: true });
    begin(view, 3);
    runPoint(view, 0, 'done');
    expect(text).not.toContain('\r');
  });
});

test('the end tells what to do about what is missing', () => {
  using view = makeView();
  view.end({ ...summary, counts: { pending: 1, done: 5, failed: 2, lost: 1 } });
  expect(text).toContain('9 points: 5 done, 2 failed, 1 lost, 1 pending (2 done before) in 4.25 s\n');
  expect(text).toContain('hint: ');
});

test.each([
  [{}, 0],
  [{ failed: 1 }, 1],
  [{ lost: 1 }, 69],
  [{ failed: 1, lost: 1 }, 69],
])('exit code of %j: %i', (counts, code) => {
  const all = { ...summary, counts: { ...summary.counts, ...counts } };
  expect(exitCodeOfSweep(all)).toBe(code);
  expect(exitCodeOfSweep({ ...all, interrupted: true })).toBe(130);
});
