import { expect, test } from 'vitest';
import { QemuMachine } from '../../src/vmm/qemu/qemu-machine.js';
import { startSupervised } from '../../src/vmm/supervisor.js';

// A shell plays QEMU: descriptor 6 is its monitor.

const prologue = `say() { echo "$1" >&6; }
say '{"QMP": {}}'
read -r capabilities <&6
shutdown() { say "{\\"event\\": \\"SHUTDOWN\\", \\"data\\": {\\"guest\\": true, \\"reason\\": \\"$1\\"}}"; exit 0; }
`;
const start = async (script: string) =>
  new QemuMachine(await startSupervised({ program: '/bin/sh', args: ['-c', prologue + script], sockets: 1 }));

test('what QEMU says of its end is part of it', async () => {
  await using machine = await start('echo event >&4; shutdown guest-panic');
  const lines: string[] = [];
  for await (const line of machine.lines) lines.push(line);
  expect(lines).toEqual(['event']);
  expect(await machine.exited).toEqual({ status: 0, stderr: '', reason: 'guest-panic' });
});

test('a QEMU that dies says nothing', async () => {
  await using machine = await start('echo bad option >&2; exit 1');
  expect(await machine.exited).toEqual({ status: 1, stderr: 'bad option\n' });
  await expect(machine.qmp.execute('quit')).rejects.toMatchObject({ code: 'QMP_ENDED' });
});

test('shutdown presses the power button; a guest that heeds it ends by itself', async () => {
  await using machine = await start(
    'while read -r line <&6; do case $line in *system_powerdown*) shutdown guest-shutdown ;; esac; done',
  );
  await machine.shutdown(30_000);
  expect(await machine.exited).toMatchObject({ status: 0, reason: 'guest-shutdown' });
  await machine.shutdown(30_000);
});

test('shutdown ends a guest that does not heed it', async () => {
  await using machine = await start(
    'while read -r line <&6; do case $line in *quit*) shutdown host-qmp-quit ;; esac; done',
  );
  await machine.shutdown(50);
  expect(await machine.exited).toMatchObject({ status: 0, reason: 'host-qmp-quit' });
});

test('shutdown ends a QEMU that hears nothing', async () => {
  await using machine = await start('exec sleep 600');
  await machine.shutdown(50);
  expect(await machine.exited).toEqual({ status: 137, stderr: '' });
});

test('a machine that QEMU has stopped because the disk is full goes on, once for each time', async () => {
  const script = `
    error() { say '{"event": "BLOCK_IO_ERROR", "data": {"action": "'$1'", "nospace": true}}'; }
    error report
    error stop; error stop
    read -r line <&6; echo "$line" >&4
    error stop
    read -r line <&6; echo "$line" >&4`;
  const supervised = await startSupervised({
    program: '/bin/sh',
    args: ['-c', prologue + script],
    sockets: 1,
  });
  await using machine = new QemuMachine(supervised, 0.01);
  const lines: unknown[] = [];
  for await (const line of machine.lines) lines.push((JSON.parse(line) as { execute: unknown }).execute);
  expect(lines).toEqual(['cont', 'cont']);
  await machine.exited;
});
