import { type Duplex, duplexPair } from 'node:stream';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { QmpClient, type QmpEvent } from '../../src/vmm/qemu/qmp.js';
import { QmpLines } from '../../src/vmm/qemu/qmp-lines.js';

const greeting = { QMP: { version: { qemu: { major: 7, minor: 2, micro: 0 } }, capabilities: ['oob'] } };

interface Command {
  execute: string;
  arguments?: unknown;
  id?: number;
}

/** The other end of a client's stream. */
class Peer {
  readonly commands: Command[] = [];
  #waiting: (() => void) | undefined;

  constructor(readonly stream: Duplex) {
    const lines = new QmpLines();
    stream.on('data', (chunk: Buffer) => {
      for (const line of lines.push(chunk)) this.commands.push(JSON.parse(line) as Command);
      this.#waiting?.();
    });
  }

  say(...messages: unknown[]): void {
    this.stream.write(messages.map((message) => `${JSON.stringify(message)}\r\n`).join(''));
  }

  async command(name: string): Promise<Command> {
    for (;;) {
      const found = this.commands.find(({ execute }) => execute === name);
      if (found) return found;
      await new Promise<void>((resolve) => (this.#waiting = resolve));
    }
  }
}

let peer: Peer;
let client: QmpClient;
beforeEach(() => {
  const [ours, theirs] = duplexPair();
  client = new QmpClient(ours);
  peer = new Peer(theirs);
});
afterEach(() => client.close());

describe('commands', () => {
  test('wait for the greeting and the negotiation, and are answered by id, in any order', async () => {
    const one = client.execute('query-status');
    const two = client.execute('stop', { force: true });
    peer.say(greeting);
    await peer.command('stop');
    expect(peer.commands).toEqual([
      { execute: 'qmp_capabilities' },
      { execute: 'query-status', arguments: {}, id: 1 },
      { execute: 'stop', arguments: { force: true }, id: 2 },
    ]);
    peer.say({ return: {} }, { return: 2, id: 2 }, { return: { running: true }, id: 1 });
    expect(await two).toBe(2);
    expect(await one).toEqual({ running: true });
  });

  test("are refused with QEMU's class and text", async () => {
    peer.say(greeting, {
      id: 1,
      error: { class: 'CommandNotFound', desc: 'The command nix has not been found' },
    });
    await expect(client.execute('nix')).rejects.toMatchObject({
      code: 'QMP_REFUSED',
      message: 'QEMU refused nix: The command nix has not been found (CommandNotFound)',
    });
  });

  test('end by their time limit where QEMU is stopped; the late answer hurts nobody', async () => {
    peer.say(greeting);
    await expect(client.execute('quit', {}, { timeout: 20 })).rejects.toMatchObject({ code: 'QMP_TIMEOUT' });
    const next = client.execute('query-status');
    peer.say({ return: 'late', id: 1 }, { return: 'in time', id: 2 });
    expect(await next).toBe('in time');
  });

  test('end by their time limit where nobody ever greets', async () => {
    const error = { code: 'QMP_TIMEOUT', message: 'QEMU has not answered quit within 20 ms' };
    await expect(client.execute('quit', {}, { timeout: 20 })).rejects.toMatchObject(error);
  });

  test('end by the signal, before and after they began', async () => {
    const abort = new AbortController();
    const waiting = client.execute('quit', {}, { signal: abort.signal });
    abort.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    await expect(client.execute('quit', {}, { signal: abort.signal })).rejects.toThrow('enough');
  });
});

describe('events', () => {
  test('reach every listener, until it leaves', async () => {
    const seen: QmpEvent[] = [];
    const leave = client.listen((event) => seen.push(event));
    const shutdown = client.event('SHUTDOWN');
    const stamp = { seconds: 1, microseconds: 2 };
    peer.say(greeting, { event: 'RESUME', timestamp: stamp });
    peer.say({ event: 'SHUTDOWN', data: { guest: true, reason: 'guest-shutdown' }, timestamp: stamp });
    expect((await shutdown).data).toEqual({ guest: true, reason: 'guest-shutdown' });
    expect(seen.map(({ name }) => name)).toEqual(['RESUME', 'SHUTDOWN']);
    leave();
    const again = client.event('RESUME');
    peer.say({ event: 'RESUME' });
    expect(await again).toEqual({ name: 'RESUME', data: {} });
    expect(seen).toHaveLength(2);
  });

  test('are waited for no longer than asked', async () => {
    await expect(client.event('RESUME', { timeout: 20 })).rejects.toMatchObject({
      code: 'QMP_TIMEOUT',
      message: 'QEMU has not told of RESUME within 20 ms',
    });
  });
});

describe('a connection that fails', () => {
  const endings: [string, string, (stream: Duplex) => void][] = [
    ['ends', 'QMP_ENDED', (stream) => stream.end()],
    ['ends in a line', 'QMP_ENDED', (stream) => stream.end('{"return": ')],
    ['says what is no JSON', 'QMP_PROTOCOL', (stream) => stream.write('SSH-2.0\r\n')],
    ['says what is no object', 'QMP_PROTOCOL', (stream) => stream.write('[1]\n')],
    ['says null', 'QMP_PROTOCOL', (stream) => stream.write('null\n')],
    ['never ends a line', 'QMP_PROTOCOL', (stream) => stream.write(Buffer.alloc((16 << 20) + 1, 'x'))],
  ];

  test.each(endings)('because the peer %s ends every wait', async (_how, code, end) => {
    const waits = [client.execute('query-status'), client.event('RESUME')];
    peer.say(greeting);
    end(peer.stream);
    for (const wait of await Promise.allSettled(waits))
      expect(wait).toMatchObject({ status: 'rejected', reason: { code } });
    await expect(client.execute('quit')).rejects.toMatchObject({ code });
  });

  test('by a reset, or by our own closing', async () => {
    const [ours] = duplexPair();
    const reset = new QmpClient(ours);
    const waiting = reset.execute('quit');
    ours.destroy(new Error('read ECONNRESET'));
    await expect(waiting).rejects.toThrow('read ECONNRESET');
    const other = client.execute('quit');
    client.close();
    client.close();
    await expect(other).rejects.toMatchObject({ code: 'QMP_ENDED' });
  });
});

describe('framing', () => {
  const cut = (bytes: Buffer, places: readonly number[]) => {
    const ends = [...places.map((place) => place % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
    return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
  };

  test('lines come out whole, however the stream is cut', () => {
    const messages = fc.array(fc.record({ id: fc.nat(), return: fc.string({ unit: 'grapheme' }) }));
    fc.assert(
      fc.property(messages, fc.array(fc.nat()), fc.constantFrom('\n', '\r\n'), (sent, places, end) => {
        const lines = new QmpLines();
        const bytes = Buffer.from(sent.map((message) => JSON.stringify(message) + end).join(''));
        const got = cut(bytes, places).flatMap((chunk) => lines.push(chunk));
        expect(got.map((line) => JSON.parse(line) as unknown)).toEqual(sent);
      }),
    );
  });

  test('a line may have as many bytes as the limit says, in any pieces', () => {
    for (const step of [1, 3, 10]) {
      const lines = new QmpLines(10);
      const feed = (text: string) =>
        cut(
          Buffer.from(text),
          Array.from({ length: 30 }, (_, i) => i * step),
        );
      expect(feed('0123456789\n').flatMap((chunk) => lines.push(chunk))).toEqual(['0123456789']);
      expect(() => feed('0123456789a').forEach((chunk) => lines.push(chunk))).toThrow(RangeError);
    }
  });

  test('whatever a peer says, every wait ends', async () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.json().map((text) => Buffer.from(`${text}\n`)),
      fc
        .record(
          {
            event: fc.oneof(fc.string(), fc.nat()),
            id: fc.oneof(fc.nat(3), fc.string(), fc.constant([1])),
            data: fc.jsonValue(),
            error: fc.jsonValue(),
            return: fc.jsonValue(),
            QMP: fc.jsonValue(),
          },
          { requiredKeys: [] },
        )
        .map((message) => Buffer.from(`${JSON.stringify(message)}\n`)),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece), async (pieces) => {
        const [ours, theirs] = duplexPair();
        theirs.resume();
        const fuzzed = new QmpClient(ours);
        const waits = Promise.allSettled([fuzzed.execute('a'), fuzzed.event('b'), fuzzed.execute('c')]);
        for (const each of pieces) theirs.write(each);
        theirs.end();
        for (const wait of await waits)
          if (wait.status === 'rejected') expect(wait.reason).toHaveProperty('name', 'GvaError');
      }),
    );
  });
});
