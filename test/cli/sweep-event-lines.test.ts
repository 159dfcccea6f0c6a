import { EventEmitter } from 'node:events';
import { PassThrough, Writable } from 'node:stream';
import { describe, expect, test, vi } from 'vitest';
import { EventLines } from '../../src/cli/sweep/event-lines.js';
import type { SweepSummary } from '../../src/model/sweep.js';
import { GvaError } from '../../src/system/errors.js';
import { runningStatus } from '../sweep/observe-fixture.js';

const point = { index: 3, parameters: { n: 4, mode: 'fast' } };
const done = { state: 'done', status: 0, times: null } as const;
const summary: SweepSummary = {
  ...{ folder: 'out', results: 'out/results.csv', points: 9, kept: 2, interrupted: false, seconds: 4.25 },
  counts: { pending: 0, done: 9, failed: 0, lost: 0 },
};

/** What was written, as events without their moments. */
function parsed(text: string): Record<string, unknown>[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => {
      const { at, ...event } = JSON.parse(line) as Record<string, unknown>;
      expect(new Date(String(at)).toISOString()).toBe(at);
      return event;
    });
}

describe('events of a sweep as lines', () => {
  test('say what happens, the first one their format, the last one how it ended', async () => {
    const stream = new PassThrough({ encoding: 'utf8' });
    const lines = new EventLines(stream);
    lines.event({ event: 'begun', points: 9, kept: 2, parallel: 4 });
    lines.event({ event: 'point-started', point });
    const lost = { state: 'lost', cause: 'panic', status: null, times: null } as const;
    lines.event({ event: 'point-again', point, outcome: lost, delay: 1.5 });
    lines.event({ event: 'paused', reason: 'the disk is full' });
    lines.event({ event: 'resumed' });
    lines.event({ event: 'point-ended', point, outcome: done });
    await lines.end(summary);
    expect(parsed(String(stream.read()))).toEqual([
      { event: 'begun', format: 'gva-sweep-events/1', points: 9, kept: 2, parallel: 4 },
      { event: 'point-started', ...point },
      { event: 'point-again', ...point, ...lost, delay: 1.5 },
      { event: 'paused', reason: 'the disk is full' },
      { event: 'resumed' },
      { event: 'point-ended', ...point, ...done },
      { event: 'summary', ...summary },
    ]);
  });

  test('say now and then how it stands', async () => {
    const stream = new PassThrough({ encoding: 'utf8' });
    let now = 0;
    const lines = new EventLines(stream, () => now);
    for (; now < 10; now++) lines.progress({ ...runningStatus, reason: `second ${now}` });
    await lines.end(summary);
    const statuses = parsed(String(stream.read())).slice(0, -1);
    const { state, counts, parallel, perMinute, remaining, running, slowest } = runningStatus;
    const fields = { state, counts, parallel, perMinute, remaining, running, slowest };
    expect(statuses).toEqual([
      { event: 'status', format: 'gva-sweep-events/1', reason: 'second 0', ...fields },
      { event: 'status', reason: 'second 5', ...fields },
    ]);
  });

  test('end with the error, where there is one', async () => {
    const stream = new PassThrough({ encoding: 'utf8' });
    await new EventLines(stream).fail(new GvaError('PLAN_MISSING', 'no plan', { hint: 'Write one.' }));
    expect(parsed(String(stream.read()))).toEqual([
      {
        ...{ event: 'error', format: 'gva-sweep-events/1' },
        ...{ code: 'PLAN_MISSING', message: 'no plan', hint: 'Write one.' },
      },
    ]);
  });
});

describe('a reader', () => {
  test('that is slow makes one gap, which is told, and misses no summary', async () => {
    let go: () => void = () => undefined;
    let text = '';
    const stream = new Writable({
      highWaterMark: 1,
      write: (chunk: Buffer, _, done) => {
        text += chunk.toString();
        go = done;
      },
    });
    const lines = new EventLines(stream, undefined, 1000);
    const start = (index: number) => lines.event({ event: 'point-started', point: { ...point, index } });
    for (let index = 0; index < 100; index++) start(index);
    const wrote = async (wanted: string) => {
      while (!text.includes(wanted)) {
        go();
        await new Promise(setImmediate);
      }
    };
    await wrote('left-out');
    start(100);
    const ended = lines.end(summary);
    await wrote('summary');
    go();
    await ended;
    const events = parsed(text);
    const gap = events.findIndex(({ event }) => event === 'left-out');
    const before = events.slice(0, gap).map(({ index }) => index);
    expect(before).toEqual([...before.keys()]);
    expect(events[gap]).toEqual({ event: 'left-out', events: 100 - before.length });
    expect(events.slice(gap + 1)).toMatchObject([{ index: 100 }, { event: 'summary' }]);
    expect(before.length).toBeGreaterThan(3);
  });

  test('that goes away is waited for no longer', async () => {
    const stream = new Writable({
      ...{ autoDestroy: false, highWaterMark: 1 },
      write: (_, __, done) => done(Object.assign(new Error('gone'), { code: 'EPIPE' })),
    });
    stream.on('error', () => undefined);
    const lines = new EventLines(stream);
    for (let index = 0; index < 3; index++) lines.event({ event: 'resumed' });
    await expect(lines.end(summary)).resolves.toBeUndefined();
  });

  test('that is known to have gone is written to no more', async () => {
    // So is standard output after its second failure: neither `error` nor `drain` comes any more.
    const write = vi.fn(() => false);
    const stream = Object.assign(new EventEmitter(), { errored: new Error('gone'), write });
    await expect(new EventLines(stream as unknown as Writable).end(summary)).resolves.toBeUndefined();
    expect(write).not.toHaveBeenCalled();
  });
});
