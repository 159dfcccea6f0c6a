import { readFile, readdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { QemuMachine } from '../../src/vmm/qemu/qemu-machine.js';
import { StateSocket } from '../../src/vmm/qemu/state-socket.js';
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
  await using machine = new QemuMachine(supervised, { pause: 0.01 });
  const lines: unknown[] = [];
  for await (const line of machine.lines) lines.push((JSON.parse(line) as { execute: unknown }).execute);
  expect(lines).toEqual(['cont', 'cont']);
  await machine.exited;
});

test('what is written to a guest comes on the socket of its events', async () => {
  await using machine = await start('read -r line <&4; echo "heard $line" >&4; shutdown guest-shutdown');
  machine.write('wake up\n');
  const lines: string[] = [];
  for await (const line of machine.lines) lines.push(line);
  expect(lines).toEqual(['heard wake up']);
  machine.write('nobody hears this\n');
});

/** Plays a QEMU that answers each command of the monitor with what the cases of a shell have for it. */
const answering = (
  cases: string,
) => `answer() { id=\${line##*'"id":'}; say "{\\"return\\": $1, \\"id\\": \${id%\\}}}"; }
while read -r line <&6; do case $line in
${cases}
*) answer '{}' ;;
esac; done`;

async function savable(folder: string, cases: string) {
  const socket = await StateSocket.listen(join(folder, 'socket'));
  const args = ['-c', prologue + answering(cases)];
  return new QemuMachine(await startSupervised({ program: '/bin/sh', args, sockets: 1 }), { socket });
}

test('a state is saved into a new file through a socket, and whole when that is over', async () => {
  await using folder = await temporaryFolder();
  const [socket, file] = [join(folder.path, 'socket'), join(folder.path, 'state')];
  await using machine = await savable(
    folder.path,
    `*'"unix:${socket}"'*) echo migrating >&4; answer '{}' ;;
*query-migrate*) count=x$count
  case $count in xxx*) answer '{ "status": "completed" }' ;; *) answer '{ "status": "active" }' ;; esac ;;`,
  );
  const state = 'state '.repeat(100_000);
  const saved = machine.saveState(file);
  for await (const line of machine.lines) {
    expect(line).toBe('migrating');
    break;
  }
  connect(socket).end(state);
  await saved;
  expect(await readFile(file, 'utf8')).toBe(state);
  machine.kill();
  await machine.exited;
  expect(await readdir(folder.path)).not.toContain('socket');
});

test('a state that cannot be saved is an error with what QEMU says', async () => {
  await using folder = await temporaryFolder();
  await using machine = await savable(
    folder.path,
    `*query-migrate*) answer '{ "status": "failed", "error-desc": "no room" }' ;;`,
  );
  await expect(machine.saveState(join(folder.path, 'state'))).rejects.toMatchObject({
    ...{ code: 'VMM_SAVE', message: expect.stringContaining('no room') as string },
  });
});

async function withFile(path: string, cases: string) {
  const args = ['-c', prologue + answering(cases)];
  const files = [{ path, flags: 'r' }];
  return new QemuMachine(await startSupervised({ program: '/bin/sh', args, sockets: 1, files }));
}

test('a machine goes on from the file that QEMU inherited, and is there when it runs', async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'state');
  await writeFile(file, 'the state\n');
  await using machine = await withFile(
    file,
    `*'"fd:7"'*) answer '{}'; read -r state <&7; echo "$state" >&4; say '{"event": "RESUME"}' ;;`,
  );
  await machine.resume(7, {});
  for await (const line of machine.lines) {
    expect(line).toBe('the state');
    break;
  }
});

test('a state that QEMU refuses ends it, with what it said', async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'state');
  await writeFile(file, '');
  await using machine = await withFile(file, `*'"fd:7"'*) echo 'qemu: bad state' >&2; exit 1 ;;`);
  await expect(machine.resume(7, {})).rejects.toMatchObject({
    ...{ code: 'VMM_RESUME', message: expect.stringContaining('bad state') as string },
  });
});
