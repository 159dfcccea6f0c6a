import { expect, test } from 'vitest';
import { LineWatcher, LiveWatcher } from '../../src/cli/sweep/watchers.js';
import { failureNews } from '../../src/cli/sweep/failure-news.js';
import { textTable } from '../../src/cli/sweep/text-table.js';
import type { SeenStatus } from '../../src/sweep/observe/status.js';
import { finishedStatus, runningStatus } from '../sweep/observe-fixture.js';

const seen: SeenStatus = { status: runningStatus, owner: 'alive', ended: false, age: 0 };

test('a live view is drawn again in its place, and fits the terminal', () => {
  let text = '';
  const stream = { isTTY: true, columns: 40, rows: 6, write: (part: string) => (text += part) };
  const watcher = new LiveWatcher(stream, 'out');
  watcher.see(seen);
  const lines = text.trimEnd().split('\n');
  expect(lines).toHaveLength(5);
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(40);
  text = '';
  watcher.see({ ...seen, status: finishedStatus, ended: true });
  // CUU, ED (ECMA-48).
  expect(text.startsWith('\u001b[5A\r\u001b[Jsweep     squares (out)\nstate     finished\n')).toBe(true);
});

test('lines come now and then, and when something happens', () => {
  let [text, now] = ['', 0];
  const watcher = new LineWatcher({ write: (part) => (text += part) }, () => now);
  for (now = 0; now < 10; now++) watcher.see(seen, []);
  watcher.see({ ...seen, status: { ...runningStatus, state: 'paused', reason: 'no memory' } }, []);
  watcher.see({ ...seen, status: finishedStatus, ended: true }, []);
  const running = '5/100 done, 2 running, 2 failed, 1 lost, 8.3/min, about 11m00s (10m00s to 13m00s) left';
  expect(text.trimEnd().split('\n')).toEqual([
    running,
    running,
    `paused, ${running}: no memory`,
    'finished: 100/100 done',
  ]);
});

test('a failure is news once', () => {
  const news = failureNews();
  const [first] = runningStatus.failures;
  const second = { index: 8, state: 'lost', attempts: 3 } as const;
  expect(news([first!])).toEqual([first]);
  expect(news([second, first!])).toEqual([second]);
  expect(news([second, first!])).toEqual([]);
});

test('a table names the columns for which there is no room', () => {
  const columns = ['a', 'b', 'c'].map((title) => ({ title, cells: [title.repeat(60)] }));
  const lines = textTable(columns, 90).trimEnd().split('\n');
  expect(lines[1]).toBe(`${'a'.repeat(39)}…  ${'b'.repeat(39)}…`);
  expect(lines[2]).toBe('not shown: c');
});
