import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { type Server, type Socket, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { GuestEvent } from '../../../src/model/guest-event.js';
import { GuestFiles } from '../../../src/instance/service/guest-files.js';
import { GuestService } from '../../../src/instance/service/guest-service.js';
import { PostedFiles } from '../../../src/instance/service/posted-files.js';
import { eventually, temporaryFolder } from '../../support/gva.js';

// What a guest is served by network (docs/channels.md, "By network"), on one line as QEMU gives it.

const large = randomBytes(3_000_000);

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let listener: Server;
let guest: Socket;
let service: GuestService;
let served: Promise<void>;
let events: GuestEvent[];
let said: Buffer;

beforeEach(async () => {
  folder = await temporaryFolder();
  const source = join(folder.path, 'large');
  await writeFile(source, large);
  const files = new GuestFiles(
    [
      { kind: 'file', path: 'param', content: Buffer.from('7\n') },
      { kind: 'directory', path: 'param.d' },
      { kind: 'file', path: 'a b\n\u00fc', content: { source, size: large.length } },
      { kind: 'file', path: 'script-bin/x', mode: 0o755, content: new Uint8Array() },
    ],
    new Map([['a b\n\u00fc', createHash('sha256').update(large).digest('hex')]]),
  );
  events = [];
  listener = createServer().listen(join(folder.path, 'socket'));
  const accepted = once(listener, 'connection');
  guest = connect(join(folder.path, 'socket'));
  const [line] = (await accepted) as [Socket];
  line.on('error', () => undefined);
  const posted = new PostedFiles(join(folder.path, 'posted'), 1_000_000);
  service = new GuestService(line, files, posted, (event) => events.push(event), 200);
  served = service.serve();
  said = Buffer.alloc(0);
  guest.on('data', (chunk: Buffer) => (said = Buffer.concat([said, chunk])));
});

afterEach(async () => {
  guest.destroy();
  await served;
  listener.close();
  await folder[Symbol.asyncDispose]();
});

/** The next answer, and its content. */
async function answer(): Promise<{ status: number; content: Buffer }> {
  let end = -1;
  await eventually(() => (end = said.indexOf('\r\n\r\n')) >= 0);
  const head = said.toString('latin1', 0, end);
  const size = Number(/^Content-Length: (\d+)$/m.exec(head)?.[1]);
  await eventually(() => said.length >= end + 4 + size);
  const content = said.subarray(end + 4, end + 4 + size);
  said = said.subarray(end + 4 + size);
  return { status: Number(/^HTTP\/1\.1 (\d+) /.exec(head)?.[1]), content };
}

const get = (path: string) => {
  guest.write(`GET ${path} HTTP/1.1\r\nHost: 10.0.2.100\r\nUser-Agent: Wget\r\nConnection: close\r\n\r\n`);
  return answer();
};

const post = (path: string, content: Uint8Array | string, headers = '') => {
  const bytes = Buffer.from(content);
  guest.write(`POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: ${bytes.length}\r\n${headers}\r\n`);
  guest.write(bytes);
  return answer();
};

it('the guest gets the list of its files, and each by its number and its name, to the byte', async () => {
  expect(service.asked).toBe(false);
  const { status, content } = await get('/1/files');
  expect(status).toBe(200);
  expect(service.asked).toBe(true);
  const [first, ...lines] = content.toString().trimEnd().split('\n');
  expect(first).toBe('gva-files 1');
  expect(lines.map((line) => line.split(' ')).map(([mode, size, , name]) => [mode, size, name])).toEqual([
    ['644', '2', 'param'],
    ['644', '3000000', 'a\\0040b\\0012\\0303\\0274'],
    ['755', '0', 'script-bin/x'],
  ]);
  expect(lines[1]?.split(' ')[2]).toBe(createHash('sha256').update(large).digest('hex'));
  for (const path of ['/1/number/2', '/1/files/a%20b%0a%C3%BC'])
    expect((await get(path)).content.equals(large)).toBe(true);
  expect(await get('/1/files/param')).toEqual({ status: 200, content: Buffer.from('7\n') });
  expect(await get('/1/files/script-bin/x')).toEqual({ status: 200, content: Buffer.alloc(0) });
});

it('nothing else is given', async () => {
  const paths = ['/', '/1', '/1/number/0', '/1/number/4', '/1/number/x', '/2/files', '/1/files/..%2flarge'];
  for (const path of [...paths, '/1/files/../../large', '/1/files//etc/passwd', '/1/files/%ff', '/1/large'])
    expect(await get(path), path).toMatchObject({ status: 404 });
});

it('what is posted is kept in whole, under plain names, and no more than there is room for', async () => {
  const bytes = randomBytes(400_000);
  const sum = createHash('sha256').update(bytes).digest('hex');
  expect(await post('/1/outputs/a.bin', bytes, `X-GVA-SHA256: ${sum}\r\n`)).toMatchObject({ status: 200 });
  expect((await readFile(join(folder.path, 'posted/a.bin'))).equals(bytes)).toBe(true);
  expect(await post('/1/outputs/b', 'other', `X-GVA-SHA256: ${sum}\r\n`)).toMatchObject({ status: 422 });
  for (const name of ['..', '.a', '%2e%2e', 'a%2fb', '..%2fb', 'a%00', 'a'.repeat(101), ''])
    expect((await post(`/1/outputs/${name}`, 'x')).status, name).toBe(405);
  // In the place of the first one there is room for it, beside it there is not.
  expect(await post('/1/outputs/c', randomBytes(700_000))).toMatchObject({ status: 413 });
  expect(await post('/1/outputs/a.bin', randomBytes(700_000))).toMatchObject({ status: 200 });
  expect(await post('/1/outputs/d', '')).toMatchObject({ status: 200 });
  expect((await readdir(join(folder.path, 'posted'))).sort()).toEqual(['a.bin', 'd']);
});

it('a guest may tell of its progress and give messages, and nothing of how its instance goes', async () => {
  const lines = ['@gva1 progress t=1 fraction=0.5', '@gva1 done t=2 scripts=1 failed=0', 'noise'];
  expect(await post('/1/events', [...lines, '@gva1 message t=3 text=hi', ''].join('\n'))).toMatchObject({
    status: 200,
  });
  expect(events.map(({ name }) => name)).toEqual(['progress', 'message']);
  expect((await post('/1/events', Buffer.alloc(70_000))).status).toBe(405);
});

it('what is no request is refused, and the next one is answered', async () => {
  for (const noise of [
    'nonsense\r\n\r\n',
    'GET /1/fiGET /1/files HTTP/1.1\r\n\r\n',
    'DELETE / HTTP/1.1\r\n\r\n',
  ]) {
    guest.write(noise);
    expect(await answer()).toMatchObject({ status: 400 });
  }
  guest.write(`GET / HTTP/1.1\r\nX: ${'x'.repeat(9000)}\r\n\r\n`);
  expect(await answer()).toMatchObject({ status: 400 });
  guest.write('POST /1/outputs/a HTTP/1.1\r\n\r\n');
  expect(await answer()).toMatchObject({ status: 411 });
  expect(await get('/1/files/param')).toMatchObject({ status: 200 });
});

it('who asks anew gives up the rest of what it had asked for; who stops in the middle keeps nobody waiting', async () => {
  guest.pause();
  guest.write('GET /1/number/2 HTTP/1.1\r\n\r\n');
  // Both are on their way before any of the answer is read: more than the line holds.
  await eventually(() => guest.readableLength > 0);
  guest.write('GET /1/files/param HTTP/1.1\r\n\r\n');
  guest.resume();
  await eventually(() => said.toString('latin1').endsWith('\r\n\r\n7\n'));
  expect(said.length).toBeLessThan(large.length);
  said = Buffer.alloc(0);
  guest.write('POST /1/outputs/half HTTP/1.1\r\nContent-Length: 100\r\n\r\nhalf');
  expect(await answer()).toMatchObject({ status: 408 });
  expect(await get('/1/files/param')).toMatchObject({ status: 200 });
  expect(await readdir(join(folder.path, 'posted'))).toEqual([]);
});
