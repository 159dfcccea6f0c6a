import { afterEach, expect, test, vi } from 'vitest';
import { type StopSignals, actInStages } from '../../src/cli/action.js';

afterEach(() => vi.restoreAllMocks());

/** Runs work that ends when it is told to, and gives what the signals did. */
async function perform(names: readonly NodeJS.Signals[], ignoreHangup = false) {
  const exit = vi.spyOn(process, 'exit').mockImplementation((() => undefined) as never);
  const before = process.exitCode;
  const states: string[] = [];
  const work = ({ finish, abort }: StopSignals) => {
    for (const name of names) {
      // The other listeners are the test runner's.
      process.listeners(name).at(-1)?.(name);
      states.push(abort.aborted ? 'abort' : finish.aborted ? 'finish' : 'run');
    }
    return Promise.resolve(0 as const);
  };
  try {
    await actInStages(work, { ignoreHangup });
    return { states, exits: exit.mock.calls.length };
  } finally {
    process.exitCode = before;
  }
}

test('the first Ctrl-C asks to finish, the second aborts, the third ends the process', async () => {
  expect(await perform(['SIGINT', 'SIGINT'])).toEqual({ states: ['finish', 'abort'], exits: 0 });
  expect(await perform(['SIGINT', 'SIGINT', 'SIGINT'])).toMatchObject({ exits: 1 });
});

test('who sends SIGTERM or hangs up does not wait', async () => {
  expect(await perform(['SIGTERM'])).toEqual({ states: ['abort'], exits: 0 });
  expect(await perform(['SIGHUP', 'SIGINT'])).toEqual({ states: ['abort', 'abort'], exits: 1 });
});

test('in the background nothing hangs up', async () => {
  expect(await perform(['SIGHUP', 'SIGHUP'], true)).toEqual({ states: ['run', 'run'], exits: 0 });
});

test('no listener is left', async () => {
  const count = () => process.listenerCount('SIGINT') + process.listenerCount('SIGHUP');
  const before = count();
  await perform(['SIGINT']);
  expect(count()).toBe(before);
});
