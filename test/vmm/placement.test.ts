import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { onHostCpus, parseCpuList, tasksetCommand } from '../../src/vmm/placement.js';
import { startSupervised } from '../../src/vmm/supervisor.js';

it.each([
  ['', []],
  ['0', [0]],
  ['0-2,5,7-8', [0, 1, 2, 5, 7, 8]],
])('the kernel writes a set of CPUs as %s', (text, cpus) => {
  expect([...parseCpuList(text)]).toEqual(cpus);
});

it('a command is kept on CPUs by taskset, and keeps all else', () => {
  const command = { program: '/q', args: ['-m', '1'] };
  expect(tasksetCommand('/t', [0, 3], command)).toEqual({
    program: '/t',
    args: ['-c', '0,3', '/q', '-m', '1'],
  });
});

it('nothing is done where nothing is asked for', async () => {
  const command = { program: '/q', args: [] };
  expect(await onHostCpus(command, {})).toBe(command);
});

it('a process is on the CPU it was put on', async () => {
  const status = await readFile('/proc/self/status', 'utf8');
  const [cpu = 0] = parseCpuList(/Cpus_allowed_list:\s*(\S+)/.exec(status)?.[1] ?? '');
  const command = { program: '/bin/sh', args: ['-c', 'grep Cpus_allowed_list /proc/self/status'] };
  await using machine = await startSupervised(await onHostCpus(command, { hostCpus: [cpu] }));
  expect((await machine.exited).status).toBe(0);
  expect(machine.console.bytes().toString()).toBe(`Cpus_allowed_list:\t${cpu}\n`);
});

it.each([[[4095]], [[]]])('CPUs that this process may not use are refused: %j', async (hostCpus) => {
  const command = { program: '/q', args: [] };
  await expect(onHostCpus(command, { hostCpus })).rejects.toMatchObject({ code: 'PLACEMENT' });
});
