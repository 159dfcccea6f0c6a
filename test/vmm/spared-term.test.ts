import { expect, test } from 'vitest';
import { startSupervised } from '../../src/vmm/supervisor.js';
import { groupMembers } from '../support/process-group.js';

/** The end of a job is told to all its processes. */
async function startAndTell(sparedTerm: boolean) {
  const args = ['-c', 'echo $$ >&4; exec cat <&4 >&4'];
  const machine = await startSupervised({ program: '/bin/sh', args, sparedTerm });
  const lines = machine.lines[Symbol.asyncIterator]();
  const next = async () => (await lines.next()).value as string | undefined;
  const group = Number(await next());
  process.kill(-group, 'SIGTERM');
  machine.write('still there\n');
  return { machine, group, next };
}

test('a machine that is spared SIGTERM lives on when its group gets it, with what watches it; and can be killed', async () => {
  const { machine, group, next } = await startAndTell(true);
  expect(await next()).toBe('still there');
  expect(await groupMembers(group)).toHaveLength(2);
  machine.kill();
  expect(await next()).toBeUndefined();
  expect(await machine.exited).toMatchObject({ status: 137 });
});

test('any other ends then', async () => {
  const { machine, next } = await startAndTell(false);
  expect(await next()).toBeUndefined();
  expect(await machine.exited).toMatchObject({ status: 143 });
});

test('the signal is blocked, so that a program that handles it, as QEMU does, does not see it', async () => {
  const args = ['^SigBlk', '/proc/self/status'];
  const machine = await startSupervised({ program: '/bin/grep', args, sparedTerm: true });
  for await (const line of machine.lines) expect(line).toBe('');
  await machine.exited;
  const mask = /SigBlk:\s*([0-9a-f]+)/.exec(machine.console.bytes().toString())?.[1];
  expect(BigInt(`0x${mask ?? ''}`) & (1n << 14n)).not.toBe(0n);
});
