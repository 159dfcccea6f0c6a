import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, readdir, stat, symlink, writeFile } from 'node:fs/promises';
import { type AddressInfo, type Server, type Socket, createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { type Duplex, duplexPair } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GuestFiles } from '../../src/instance/service/guest-files.js';
import { GuestService } from '../../src/instance/service/guest-service.js';
import { PostedFiles } from '../../src/instance/service/posted-files.js';
import { guestFile } from '../../src/system/package.js';
import { eventually, temporaryFolder } from '../support/gva.js';

// The guest's programs for the service by network (docs/channels.md, "By network"), with a card that this test plays: all
// connections are one line, as QEMU gives them, and nobody is told when one begins or ends.

const large = randomBytes(700_000);

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let listener: Server;
let line: Duplex;
let connections: Set<Socket>;
let current: Socket | undefined;
/** What comes while nobody is connected waits for the next one. */
let held: Buffer[];

beforeEach(async () => {
  folder = await temporaryFolder();
  const source = join(folder.path, 'large');
  await writeFile(source, large);
  const files = new GuestFiles(
    [
      { kind: 'file', path: 'param', content: Buffer.from('7\n') },
      { kind: 'file', path: 'param.d/n', content: Buffer.from('7') },
      { kind: 'file', path: "a b/it's\n\u00fc%", content: { source, size: large.length } },
      { kind: 'file', path: 'script-bin/x', mode: 0o755, content: new Uint8Array() },
    ],
    new Map([["a b/it's\n\u00fc%", createHash('sha256').update(large).digest('hex')]]),
  );
  const [ours, theirs] = duplexPair();
  line = theirs;
  connections = new Set();
  held = [];
  void new GuestService(
    ours,
    files,
    new PostedFiles(join(folder.path, 'posted'), 1 << 20),
    () => undefined,
  ).serve();
  line.on('data', (chunk: Buffer) => (current ? current.write(chunk) : held.push(chunk)));
  listener = createServer((connection) => {
    current = connection;
    connections.add(connection);
    for (const chunk of held.splice(0)) connection.write(chunk);
    connection.on('close', () => {
      if (current === connection) current = undefined;
    });
    connection.on('data', (chunk) => line.write(chunk));
    connection.on('error', () => undefined);
  }).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  await mkdir(join(folder.path, 'bin'));
  for (const name of ['gva-fetch', 'gva-send', 'gvad-fetch'])
    await symlink(guestFile('gva-fetch'), join(folder.path, 'bin', name));
});

afterEach(async () => {
  line.destroy();
  for (const connection of connections) connection.destroy();
  listener.close();
  await folder[Symbol.asyncDispose]();
});

interface Said {
  readonly code: number;
  readonly said: string;
}

/** Runs one of the programs by a shell. */
function run(shell: readonly string[], name: string, ...args: string[]): Promise<Said> {
  const { port } = listener.address() as AddressInfo;
  // With an address of its own it does not touch the network of this machine.
  const env = {
    PATH: `${join(folder.path, 'bin')}:${process.env['PATH'] ?? ''}`,
    GVA_SERVICE: `127.0.0.1:${port}`,
    GVA_LOCK: join(folder.path, 'lock'),
  };
  const [program = '', ...words] = [...shell, join(folder.path, 'bin', name), ...args];
  return new Promise((resolve) => {
    execFile(program, words, { cwd: folder.path, env }, (error, _, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, said: stderr }),
    );
  });
}

const address = () => `127.0.0.1:${(listener.address() as AddressInfo).port}`;

describe.each([[['busybox', 'sh']], [['sh']]])('by %j', (shell) => {
  it('all files come, each with its name, its bytes and its mode', async () => {
    const all = join(folder.path, 'all');
    expect(await run(shell, 'gvad-fetch', address(), all)).toEqual({ code: 0, said: '' });
    expect((await readFile(join(all, "a b/it's\n\u00fc%"))).equals(large)).toBe(true);
    expect(await readFile(join(all, 'param.d/n'), 'utf8')).toBe('7');
    expect((await readdir(all)).sort()).toEqual(['a b', 'param', 'param.d', 'script-bin']);
    expect((await stat(join(all, 'script-bin/x'))).mode & 0o777).toBe(0o755);
    expect(await readdir(folder.path)).not.toContain('all.part');
    expect(await readdir(folder.path)).not.toContain('lock');
  });

  it('single files come and go, several at once', async () => {
    const fetched = await Promise.all([
      run(shell, 'gva-fetch', "a b/it's\n\u00fc%", 'one'),
      run(shell, 'gva-fetch', 'param'),
      run(shell, 'gva-send', 'large', 'sent'),
    ]);
    expect(fetched).toEqual([0, 0, 0].map((code) => ({ code, said: '' })));
    expect((await readFile(join(folder.path, 'one'))).equals(large)).toBe(true);
    expect(await readFile(join(folder.path, 'param'), 'utf8')).toBe('7\n');
    expect((await readFile(join(folder.path, 'posted/sent'))).equals(large)).toBe(true);
  });

  it('an answer that nobody has heard is not taken for another one', async () => {
    await writeFile(join(folder.path, 'lock.astray'), '');
    // Of one that was ended when it had asked.
    line.write('GET /1/files/param.d/n HTTP/1.1\r\n\r\n');
    await eventually(() => held.length > 0);
    expect(await run(shell, 'gva-fetch', 'param')).toEqual({ code: 0, said: '' });
    expect(await readFile(join(folder.path, 'param'), 'utf8')).toBe('7\n');
    expect(await readdir(folder.path)).not.toContain('lock.astray');
  });

  it('the lock of one that was killed is taken away', async () => {
    await symlink('process-999999999', join(folder.path, 'lock'));
    expect(await Promise.all(['a', 'b', 'c'].map((name) => run(shell, 'gva-fetch', 'param', name)))).toEqual(
      [0, 0, 0].map((code) => ({ code, said: '' })),
    );
    expect(await readdir(folder.path)).not.toContain('lock');
  });

  it('what is not there, or has no name, is told', async () => {
    expect(await run(shell, 'gva-fetch', 'none')).toEqual({
      code: 1,
      said: 'gva-fetch: the host has no file none\n',
    });
    // A refusal that was heard leaves nothing that the next one would have to wait for.
    for (const left of ['none.gva-part', 'lock.astray'])
      expect(await readdir(folder.path)).not.toContain(left);
    expect(await run(shell, 'gva-send', 'large', '../up')).toMatchObject({ code: 1 });
    expect(await run(shell, 'gva-send', 'nothing')).toEqual({
      code: 1,
      said: 'gva-send: there is no file nothing\n',
    });
    expect(await run(shell, 'gva-fetch')).toMatchObject({ code: 1 });
  });
});
