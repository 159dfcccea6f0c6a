import { existsSync } from 'node:fs';
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ask, consoleOf, runningInstances } from '../../src/instance/control/client.js';
import { type Controlled, ControlServer } from '../../src/instance/control/server.js';
import { GvaError } from '../../src/system/errors.js';
import { controlFolder } from '../../src/system/paths.js';
import { leaveBeside } from '../support/left-over.js';
import { type TestHome, makeTestHome } from '../support/fake-appliance.js';

let home: TestHome;
beforeEach(async () => {
  home = await makeTestHome();
});
afterEach(() => home[Symbol.asyncDispose]());

const taken = { folder: '/c', takenAt: '2026-01-01T00:00:00.000Z', pause: 0.1, size: 10, seconds: 1 };
const controlled = (id: string): Controlled => ({
  describe: () => ({
    ...{ id, appliance: 'square', vmm: 'qemu', startedAt: '2026-01-01T00:00:00.000Z', state: 'booted' },
    lastCheckpoint: null,
  }),
  checkpoint: (stop) =>
    stop ? Promise.reject(new GvaError('CHECKPOINT', 'no room')) : Promise.resolve(taken),
  insert: (source) =>
    source === '/iso'
      ? Promise.resolve({ by: 'cd' as const, scripts: 2, failed: 1, noticed: 0.2 })
      : Promise.reject(new GvaError('INSERT_BUSY', 'in use')),
  snapshot: () => Promise.resolve({ files: 1, bytes: 2, findings: 0, pause: 0.1 }),
  console: () => `${id} says \u001b[31mhello`,
  tellAgent: (order: string) =>
    order === 'set-time' ? Promise.resolve() : Promise.reject(new GvaError('CHANNEL_REFUSED', 'it will not')),
  exec: () => Promise.reject(new GvaError('CHANNEL_NONE', 'no channel', { hint: 'Build the base again.' })),
});

async function listen(): Promise<ControlServer> {
  const server = await ControlServer.listen();
  if (!server) throw new Error('no server');
  return server;
}

describe('an instance that runs', () => {
  test('has nothing beside its socket that a killed process left before it could say whose it was', async () => {
    await mkdir(controlFolder(), { recursive: true });
    leaveBeside(join(controlFolder(), '123-0123abcd.json'));
    await using server = await listen();
    expect(await readdir(controlFolder())).toHaveLength(2);
    expect(server).toBeDefined();
  });

  test('is found, can be asked, and is found no more', async () => {
    await using server = await listen();
    const added = server.add('square-1', controlled('square-1'));
    const [found] = await runningInstances();
    expect(found).toMatchObject({ id: 'square-1', state: 'booted', lastCheckpoint: null });
    const { socket } = found!;
    const request = { v: 1, request: 'checkpoint', instance: 'square-1' } as const;
    expect(await ask(socket, { ...request, stop: false }, 5000)).toEqual({ v: 1, taken });
    await expect(ask(socket, { ...request, stop: true }, 5000)).rejects.toMatchObject({
      ...{ code: 'CHECKPOINT', message: 'no room' },
    });
    added[Symbol.dispose]();
    expect(await runningInstances()).toEqual([]);
    await expect(ask(socket, { ...request, stop: false }, 5000)).rejects.toMatchObject({
      code: 'INSTANCE_UNKNOWN',
    });
  });

  test('is for its user alone, and leaves nothing', async () => {
    const server = await listen();
    expect((await stat(controlFolder())).mode & 0o777).toBe(0o700);
    for (const name of await readdir(controlFolder()))
      expect((await stat(join(controlFolder(), name))).mode & 0o777).toBe(0o600);
    await server[Symbol.asyncDispose]();
    expect(await readdir(controlFolder())).toEqual([]);
  });
});

test('the console of an instance is told to who names it and its process', async () => {
  await using server = await listen();
  server.add('square-1', controlled('square-1'));
  expect(await consoleOf(process.pid, 'square-1')).toBe('square-1 says \u001b[31mhello');
  expect(await consoleOf(process.pid, 'square-2')).toBeUndefined();
  expect(await consoleOf(1, 'square-1')).toBeUndefined();
});

test('what a killed process left is removed', async () => {
  await mkdir(controlFolder(), { recursive: true });
  const { ownIdentity } = await import('../../src/system/process-identity.js');
  const dead = { ...ownIdentity(), start: '1' };
  const [note, socket] = ['9-00ff.json', '9-00ff.socket'].map((name) => join(controlFolder(), name)) as [
    string,
    string,
  ];
  await writeFile(note, JSON.stringify(dead));
  await writeFile(socket, '');
  await writeFile(join(controlFolder(), '9-00aa.json'), 'no note');
  expect(await runningInstances()).toEqual([]);
  expect([existsSync(note), existsSync(socket)]).toEqual([false, false]);
});

describe('a stranger', () => {
  async function exchange(bytes: string | Buffer): Promise<string> {
    const name = (await readdir(controlFolder())).find((each) => each.endsWith('.socket'));
    const socket = connect(join(controlFolder(), name ?? ''));
    socket.on('error', () => undefined);
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    socket.write(bytes);
    await new Promise((resolve) => socket.once('close', resolve));
    return text;
  }

  test.each<[string, string]>([
    ['no JSON', 'hello'],
    ['no object', '7'],
    ['another version', '{"v":2,"request":"list"}'],
    ['another request', '{"v":1,"request":"run"}'],
    ['more than is known', '{"v":1,"request":"list","extra":1}'],
    ['no instance', '{"v":1,"request":"checkpoint","instance":"","stop":false}'],
    ['a name of Object', '{"v":1,"request":"checkpoint","instance":"__proto__","stop":false}'],
  ])('that says %s gets an error, and others are served on', async (_, line) => {
    await using server = await listen();
    server.add('square-1', controlled('square-1'));
    expect(JSON.parse(await exchange(`${line}\n`))).toHaveProperty('error.code');
    expect(await runningInstances()).toHaveLength(1);
  });

  test('that never ends its line is cut off', async () => {
    const server = await listen();
    expect(await exchange(Buffer.alloc(200_000, 'x'))).toBe('');
    await server[Symbol.asyncDispose]();
  });
});
