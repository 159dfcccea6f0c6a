import { expect, it } from 'vitest';
import { ask } from '../../../src/vmm/doctor/ask.js';
import { runTrial } from '../../../src/vmm/doctor/trial.js';
import { noneLeft } from '../../support/gva.js';

// A shell script plays the machine: what it writes to descriptor 4 is the guest's serial line.

const generous = { boot: 50_000, tests: 50_000 };
const trial = (script: string, limits = generous, signal?: AbortSignal) =>
  runTrial({ program: '/bin/sh', args: ['-c', script] }, limits, signal);

const answer = `echo '@doctor1 start' >&4; echo '@doctor1 speed test=fork count=10 cs=100' >&4; echo '@doctor1 end' >&4`;

it('a guest that answers', async () => {
  const outcome = await trial(`${answer}; exec sleep 3141.59`);
  expect(outcome).toMatchObject({ kind: 'answered', speeds: { fork: 10 } });
  await noneLeft('3141.59');
});

it('a guest that stays silent is killed with all its processes', async () => {
  const begin = performance.now();
  const outcome = await trial('echo last words; sleep 2718.28 & sleep 2718.28', { ...generous, boot: 1000 });
  expect(performance.now() - begin).toBeLessThan(30_000);
  expect(outcome).toEqual({
    kind: 'hangs',
    reason: 'the guest stopped before its first word',
    said: ['last words'],
  });
  await noneLeft('2718.28');
});

it('a guest that stops in the middle', async () => {
  const outcome = await trial("echo '@doctor1 start' >&4; sleep 1618.03", { ...generous, tests: 1000 });
  expect(outcome).toMatchObject({ kind: 'hangs', reason: 'the guest stopped after its first word' });
});

it('a program that gives up says why', async () => {
  expect(await trial('echo "no \x1b[31msuch\x1b[0m machine" >&2; exit 3')).toEqual({
    kind: 'refused',
    reason: 'it ended with status 3 before its first word',
    said: ['no such machine'],
  });
  expect(await runTrial({ program: '/nonexistent/vmm', args: [] }, generous)).toMatchObject({
    kind: 'refused',
    reason: 'it ended with status 127 before its first word',
  });
});

it('rubbish and floods are no answers', async () => {
  expect(await trial('head -c 100000 /dev/urandom >&4; exit 0')).toMatchObject({ kind: 'refused' });
  expect(await trial('yes rubbish >&4')).toMatchObject({
    kind: 'refused',
    reason: 'it floods its serial line',
  });
  expect(await trial('tr "\\0" x </dev/zero >&4')).toMatchObject({ kind: 'refused' });
});

it('an end that was asked for is thrown', async () => {
  const controller = new AbortController();
  const running = trial('sleep 1414.21', generous, controller.signal);
  setTimeout(() => controller.abort(new Error('enough')), 100);
  await expect(running).rejects.toThrow('enough');
  await expect(trial('sleep 1414.21', generous, controller.signal)).rejects.toThrow('enough');
  await noneLeft('1414.21');
});

it('a program is asked for what it has to say, for a while', async () => {
  expect(await ask('/bin/sh', ['-c', 'echo out; echo err >&2; exit 4'])).toEqual({
    status: 4,
    text: 'out\nerr\n',
  });
  expect(await ask('/bin/sh', ['-c', 'sleep 1732.05 & sleep 1732.05'], 500)).toMatchObject({ status: null });
  await noneLeft('1732.05');
});
