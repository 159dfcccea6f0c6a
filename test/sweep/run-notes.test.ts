import { afterEach, beforeEach, expect, test } from 'vitest';
import type { SweepEvent } from '../../src/model/sweep.js';
import { SweepHome } from './sweep-home.js';

let home: SweepHome;
beforeEach(async () => {
  home = await SweepHome.make();
});
afterEach(() => home[Symbol.asyncDispose]());

test('a name in --stop-when that no point knows is told, soon and at the end', async () => {
  const notes: [number, string][] = [];
  let ended = 0;
  const onEvent = (event: SweepEvent) => {
    if (event.event === 'point-ended') ended++;
    if (event.event === 'note') notes.push([ended, event.code]);
  };
  const plan = await home.plan('  n: { range: [1, 12] }\n');
  await home.sweep({ plan, onEvent, stop: { when: 'eror < 0' } });
  expect(notes).toEqual([
    [10, 'STOP_WHEN_UNSEEN'],
    [12, 'STOP_WHEN_UNSEEN'],
  ]);
});
