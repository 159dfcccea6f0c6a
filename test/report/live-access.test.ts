import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { namesOf } from '../../src/report/server/access.js';
import type { LiveServer } from '../../src/report/server/server.js';
import { GvaError } from '../../src/system/errors.js';
import { PlayedSweep, ask, bugs, listen, token } from './live-fixture.js';

let server: LiveServer;
let sweep: PlayedSweep;
let cookie: string;

async function start(...rules: Parameters<typeof listen>): Promise<void> {
  server = await listen(...rules);
  sweep = new PlayedSweep();
  server.add(sweep);
  cookie = `gva-${server.port}=${token}`;
}

beforeEach(() => start());
afterEach(async () => {
  await server[Symbol.asyncDispose]();
  expect(bugs.splice(0)).toEqual([]);
});

const own = () => `127.0.0.1:${server.port}`;
const act = (headers: Record<string, string> = {}, body: unknown = { points: 'all' }, what = 'cancel') =>
  ask(server.port, `/sweeps/abc/${what}`, {
    method: 'POST',
    headers: { host: own(), cookie, 'content-type': 'application/json', 'x-gva-action': what, ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

describe('the token', () => {
  test('becomes a cookie that no script and no other site sees, and leaves the address', async () => {
    const { status, headers } = await ask(server.port, `/?token=${token}`);
    expect([status, headers['location']]).toEqual([303, '/']);
    expect(headers['set-cookie']).toEqual([`${cookie}; HttpOnly; SameSite=Strict; Path=/`]);
  });

  test.each(['', 'wrong', `${token}x`, token.slice(1), '%00', token.toUpperCase()])(
    'that is wrong gives nothing: %j',
    async (wrong) => {
      const { status, headers } = await ask(server.port, `/?token=${wrong}`);
      expect(status).toBe(403);
      expect(headers['set-cookie']).toBeUndefined();
      expect((await act({ cookie: `gva-${server.port}=${wrong}` })).status).toBe(403);
      expect(sweep.asked).toEqual([]);
    },
  );

  test('is needed to act, and not to look', async () => {
    expect((await ask(server.port, '/')).status).toBe(200);
    expect((await ask(server.port, '/sweeps/abc/console/3')).text).toContain('point 3 says');
    const { status, text } = await act({ cookie: '' });
    expect(status).toBe(403);
    expect(text).toContain('may only look');
    expect(sweep.asked).toEqual([]);
  });

  test('can be said by a program', async () => {
    expect((await act({ cookie: '', authorization: `Bearer ${token}` })).status).toBe(200);
    expect(sweep.asked).toEqual([{ cancel: 'all' }]);
  });

  test('is not taken from the cookie of another port', async () => {
    expect((await act({ cookie: `gva-1=${token}` })).status).toBe(403);
  });
});

test('where nobody may look without it, nothing is told', async () => {
  await server[Symbol.asyncDispose]();
  await start({ open: false });
  for (const path of ['/', '/events', '/sweeps/abc/table', '/sweeps/abc/console/1', '/sweeps/other/table']) {
    const { status, text } = await ask(server.port, path);
    expect([path, status]).toEqual([path, 403]);
    expect(text).not.toContain('squares');
  }
  expect((await ask(server.port, '/', { headers: { cookie } })).status).toBe(200);
});

describe('the name of the server', () => {
  const status = async (host: string) => (await ask(server.port, '/', { headers: { host } })).status;

  test.each([
    'evil.example',
    'localhost.evil.example',
    '192.168.0.1',
    '127.0.0.1.evil.example',
    'a@127.0.0.1',
  ])('that is not its own is refused: %j', async (host) => expect([400, 421]).toContain(await status(host)));

  test.each(['localhost', 'localhost:1', 'LOCALHOST:80', '127.0.0.1', '[::1]:8080'])(
    'is its own: %j',
    async (host) => expect(await status(host)).toBe(200),
  );

  test('may be another one that was allowed, or any address where others can reach it', async () => {
    await server[Symbol.asyncDispose]();
    await start(namesOf('0.0.0.0', ['Proxy.Example']));
    expect(await status('proxy.example')).toBe(200);
    expect(await status('10.1.2.3:99')).toBe(200);
    expect(await status('evil.example')).toBe(421);
  });
});

describe('what changes something', () => {
  test('is done for the page itself', async () => {
    const headers = { origin: `http://${own()}`, 'sec-fetch-site': 'same-origin' };
    expect((await act(headers)).status).toBe(200);
    expect((await act(headers, { points: [3, 9] })).status).toBe(200);
    expect((await act(headers, { points: 'failed' }, 'retry')).status).toBe(200);
    expect(sweep.asked).toEqual([{ cancel: 'all' }, { cancel: [3, 9] }, { retry: 'failed' }]);
  });

  test.each([
    [{ origin: 'http://evil.example' }, 403],
    [{ origin: 'null' }, 403],
    [{ origin: 'http://127.0.0.1:1' }, 403],
    [{ 'sec-fetch-site': 'cross-site' }, 403],
    [{ 'sec-fetch-site': 'same-site' }, 403],
    [{ 'x-gva-action': '' }, 403],
    [{ 'x-gva-action': 'retry' }, 403],
    [{ 'content-type': 'text/plain' }, 415],
    [{ 'content-type': 'application/x-www-form-urlencoded' }, 415],
  ])('is refused with %j', async (headers, status) => {
    expect((await act(headers)).status).toBe(status);
    expect(sweep.asked).toEqual([]);
  });

  test.each([
    ...['', '[', 'null', '7', '{}', '{"points":"failed"}', '{"points":[]}', '{"points":[10]}'],
    ...['{"points":[-1]}', '{"points":[1.5]}', '{"points":["1"]}', '{"points":{"length":1,"0":1}}'],
  ])('is refused when asked as %s', async (body) => {
    expect((await act({}, body)).status).toBe(400);
    expect(sweep.asked).toEqual([]);
  });

  test('may be long, but not without end', async () => {
    expect((await act({}, { points: new Array(100_001).fill(1) })).status).toBe(400);
    expect((await act({}, ' '.repeat(1_100_000))).status).toBe(413);
  });

  test('that cannot be done says why', async () => {
    sweep.refusal = new GvaError('SWEEP_NOT_RUNNING', 'it does not run', { hint: 'gva sweep resume' });
    const { status, text } = await act();
    expect(status).toBe(409);
    expect(JSON.parse(text)).toEqual({
      error: { code: 'SWEEP_NOT_RUNNING', message: 'it does not run', hint: 'gva sweep resume' },
    });
  });

  test('and is a bug says no more than that', async () => {
    sweep.refusal = new Error('secret');
    const { status, text } = await act();
    expect(status).toBe(500);
    expect(text).not.toContain('secret');
    expect(bugs.splice(0)).toEqual([sweep.refusal]);
  });
});

describe('every answer', () => {
  test.each(['/', '/live.js', '/style.css', '/sweeps/abc/console/1', '/nothing'])(
    'has what keeps a page safe: %s',
    async (path) => {
      const { headers } = await ask(server.port, path);
      const policy = String(headers['content-security-policy']);
      expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toMatch(/unsafe|nonce|\*/);
      expect(headers).toMatchObject({
        ...{ 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' },
        ...{ 'cross-origin-resource-policy': 'same-origin', 'cache-control': 'no-store' },
      });
      expect(headers['access-control-allow-origin']).toBeUndefined();
    },
  );

  test.each([
    ['POST', '/', 405],
    ['DELETE', '/events', 405],
    ['OPTIONS', '/sweeps/abc/cancel', 405],
    ['GET', '/sweeps/abc/cancel', 405],
    ['PUT', '/sweeps/abc/table', 405],
    ['GET', '/sweeps/other/table', 404],
    ['GET', '/sweeps/abc/table', 404],
    ['GET', '/sweeps/abc/console/x', 404],
    ['GET', '/sweeps/abc/console/1/2', 404],
    ['GET', '/sweeps', 404],
    ['GET', '/../../etc/passwd', 404],
    ['GET', '/%2e%2e/etc/passwd', 404],
  ])('to %s %s is %d', async (method, path, status) => {
    expect((await ask(server.port, path, { method })).status).toBe(status);
  });
});
