import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { gatherOnHost } from '../../../src/sweep/results/gather.js';
import { judgeProcess, processIdentity } from '../../../src/system/process-identity.js';
import { scratch } from './fixture.js';

const never = new AbortController().signal;

test('the command runs in the folder of the sweep and knows the table; what it says is kept', async () => {
  const folder = scratch();
  writeFileSync(join(folder, 'results.csv'), 'table');
  const command = 'pwd; echo "$GVA_SWEEP" >&2; cat "$GVA_RESULTS"; cat; echo sum >sum.txt';
  expect(await gatherOnHost(command, folder, never)).toEqual({ status: 0, log: join(folder, 'gather.log') });
  expect(readFileSync(join(folder, 'gather.log'), 'utf8')).toBe(`${folder}\n${folder}\ntable`);
  expect(readFileSync(join(folder, 'sum.txt'), 'utf8')).toBe('sum\n');
});

test.each([
  ['exit 3', 3],
  ['kill -TERM $$', 143],
  ['no-such-program-at-all', 127],
])('%s ends with its status', async (command, status) => {
  expect(await gatherOnHost(command, scratch(), never)).toMatchObject({ status });
});

test('the log is of the last run', async () => {
  const folder = scratch();
  await gatherOnHost('echo first, and long', folder, never);
  await gatherOnHost('echo second', folder, never);
  expect(readFileSync(join(folder, 'gather.log'), 'utf8')).toBe('second\n');
});

test('the signal ends the command with all its processes, and comes back', async () => {
  const folder = scratch();
  const controller = new AbortController();
  const gathered = gatherOnHost('sleep 1000 & echo $! >pid; mv pid child; wait', folder, controller.signal);
  const expected = expect(gathered).rejects.toThrow('enough');
  const child = join(folder, 'child');
  while (!existsSync(child)) await setTimeout(5);
  const identity = await processIdentity(Number(readFileSync(child, 'utf8')));
  controller.abort(new Error('enough'));
  await expected;
  while ((await judgeProcess(identity!)) !== 'dead') await setTimeout(5);
});

test('after the signal nothing is begun', async () => {
  const folder = scratch();
  await expect(gatherOnHost('touch x', folder, AbortSignal.abort(new Error('enough')))).rejects.toThrow(
    'enough',
  );
  expect(existsSync(join(folder, 'x'))).toBe(false);
});

test('a folder that is not there is told', async () => {
  const gathered = gatherOnHost('true', join(scratch(), 'none'), never);
  await expect(gathered).rejects.toMatchObject({ code: 'GATHER_FAILED' });
});
