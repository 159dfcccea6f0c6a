import { expect, test } from 'vitest';
import { runPoint } from '../../src/sweep/run-point.js';
import { GvaError } from '../../src/system/errors.js';
import { prepareSquare, fakeVmm, makeTestHome } from '../support/fake-appliance.js';
import { type Plan } from '../../src/sweep/plan/plan.js';

test.each([
  ['ENOENT', 'failed', 2],
  ['EACCES', 'failed', 2],
  [undefined, 'failed', 2],
  ['EIO', 'lost', 69],
  ['ESTALE', 'lost', 69],
])('a point whose file cannot be read for %s is %s', async (code, state, exitCode) => {
  await using home = await makeTestHome();
  const cause = code === undefined ? undefined : Object.assign(new Error(code), { code });
  const refused = new GvaError('INPUT_FILE', 'cannot read the file x', { cause });
  const plan = { files: { of: () => Promise.reject(refused) } } as unknown as Plan;
  const limits = { boot: 600, total: undefined, powerOff: 600 };
  const spec = {
    ...{
      plan,
      prepared: await prepareSquare(home),
      name: 'x',
      out: home.folder,
      jobs: 1,
      limits,
      force: false,
      keep: 'files' as const,
    },
    ...{
      keepDisks: false,
      shared: false,
      retry: { attempts: 1, retryFailed: 0, retryTimeouts: false },
      stop: {},
    },
  };
  const watch = {
    signal: new AbortController().signal,
    onStarting: () => undefined,
    onEvent: () => undefined,
  };
  const run = await runPoint(spec, { index: 0, parameters: { n: 1 } }, fakeVmm(), watch);
  expect(run.outcome).toMatchObject({ state, cause: 'INPUT_FILE: cannot read the file x', status: null });
  expect(run.error).toMatchObject({ code: 'INPUT_FILE', exitCode });
});
