import { afterEach, beforeEach, expect, test } from 'vitest';
import type { MachineSpec } from '../../src/vmm/driver.js';
import { FakeDriver } from '../../src/vmm/fake/driver.js';
import { type TestHome, makeTestHome } from '../support/fake-appliance.js';

let home: TestHome;
beforeEach(async () => {
  home = await makeTestHome();
});
afterEach(() => home[Symbol.asyncDispose]());

const spec: MachineSpec = {
  ...{ id: 'square-1', cpus: 1, memory: 1 << 28 },
  boot: { kind: 'direct', kernel: '/k', initrd: '/i' },
  disks: [
    { id: 'root', image: '/r.img', size: 1, access: 'overlay', overlay: '/r.overlay' },
    { id: 'output', image: '/o.img', size: 1, access: 'read-write' },
    { id: 'cdrom', image: '/c.iso', size: 1, access: 'read-only' },
  ],
  folders: { uml: '/u', hostfs: '/h' },
};

async function play(script?: string) {
  await using machine = await new FakeDriver(script === undefined ? {} : { script }).start(spec);
  const lines: string[] = [];
  for await (const line of machine.lines) lines.push(line);
  const exit = await machine.exited;
  return { lines, exit, console: machine.console.bytes().toString() };
}

test('can always be used', async () => {
  expect(await new FakeDriver().probe()).toMatchObject({ available: true });
});

test('the guest says by default that it is done', async () => {
  const { lines, exit } = await play();
  expect(exit).toEqual({ status: 0, stderr: '' });
  expect(lines.map((line) => line.split(' ')[1])).toEqual([
    'boot',
    'ready',
    'script-start',
    'script-end',
    'done',
  ]);
});

test('a script has the disks and both descriptors', async () => {
  const script = `echo "$GVA_FAKE_ROOT $GVA_FAKE_OUTPUT $GVA_FAKE_CDROM $GVA_FAKE_ID" >&4
echo one; echo two >&5; echo three >&2; exit 4`;
  const { lines, exit, console } = await play(script);
  expect(lines).toEqual(['/r.img /o.img /c.iso square-1']);
  expect(console.split('\n').sort()).toEqual(['', 'one', 'two']);
  expect(exit).toEqual({ status: 4, stderr: 'three\n' });
});

test('is gone when it is killed or disposed', async () => {
  const machine = await new FakeDriver({ script: 'exec sleep 600' }).start(spec);
  machine.kill();
  machine.kill();
  expect((await machine.exited).status).toBe(137);
  await machine[Symbol.asyncDispose]();
});
