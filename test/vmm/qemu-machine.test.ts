import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { QemuMachine } from '../../src/vmm/qemu/qemu-machine.js';
import { startSupervised } from '../../src/vmm/supervisor.js';
import { temporaryFolder } from '../support/gva.js';

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

test('what is written to a guest comes on the socket of its events', async () => {
  await using machine = await start('read -r line <&4; echo "heard $line" >&4; shutdown guest-shutdown');
  machine.write('wake up\n');
  const lines: string[] = [];
  for await (const line of machine.lines) lines.push(line);
  expect(lines).toEqual(['heard wake up']);
  machine.write('nobody hears this\n');
});

/** Plays a QEMU that answers each command of the monitor with what the script has for it. */
const withFile = async (path: string, flags: string, answers: string, outgoing?: number) => {
  const loop = `answer() { id=\${line##*'"id":'}; say "{\\"return\\": $1, \\"id\\": \${id%\\}}}"; }
while read -r line <&6; do case $line in
${answers}
*) answer '{}' ;;
esac; done`;
  const command = { program: '/bin/sh', args: ['-c', prologue + loop], sockets: 1 };
  return new QemuMachine(await startSupervised({ ...command, files: [{ path, flags }] }), outgoing);
};

test('a state is saved to the file that QEMU inherited, which is waited for', async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'state');
  await using machine = await withFile(
    file,
    'wx',
    `*'"fd:7"'*) echo saved >&7; answer '{}' ;;
*query-migrate*) count=x$count; case $count in xxx) answer '{ "status": "completed" }' ;; *) answer '{ "status": "active" }' ;; esac ;;`,
    7,
  );
  await machine.saveState();
  expect(await readFile(file, 'utf8')).toBe('saved\n');
  machine.quit();
});

test('a state that cannot be saved is an error with what QEMU says', async () => {
  await using folder = await temporaryFolder();
  await using machine = await withFile(
    join(folder.path, 'state'),
    'wx',
    `*query-migrate*) answer '{ "status": "failed", "error-desc": "no room" }' ;;`,
    7,
  );
  await expect(machine.saveState()).rejects.toMatchObject({
    ...{ code: 'VMM_SAVE', message: expect.stringContaining('no room') as string },
  });
});

test('a machine goes on from the file that QEMU inherited, and is there when it runs', async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'state');
  await writeFile(file, 'the state\n');
  await using machine = await withFile(
    file,
    'r',
    `*'"fd:7"'*) answer '{}'; read -r state <&7; echo "$state" >&4; say '{"event": "RESUME"}' ;;`,
  );
  await machine.resume(7);
  for await (const line of machine.lines) {
    expect(line).toBe('the state');
    break;
  }
});

test('a state that QEMU refuses ends it, with what it said', async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'state');
  await writeFile(file, '');
  await using machine = await withFile(file, 'r', `*'"fd:7"'*) echo 'qemu: bad state' >&2; exit 1 ;;`);
  await expect(machine.resume(7)).rejects.toMatchObject({
    ...{ code: 'VMM_RESUME', message: expect.stringContaining('bad state') as string },
  });
});
