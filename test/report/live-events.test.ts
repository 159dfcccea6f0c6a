import { Writable } from 'node:stream';
import type { ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { once } from 'node:events';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { applyStates, codeOf, encodeStates } from '../../src/report/live/states.js';
import { SweepChanges } from '../../src/report/server/changes.js';
import { type EventFeed, EventStream } from '../../src/report/server/event-stream.js';
import { EventReader, PlayedSweep, listen, token } from './live-fixture.js';

describe('events', () => {
  test('say everything first, and then what is other', async () => {
    await using server = await listen();
    const sweep = new PlayedSweep('abc', '<script>alert(1)</script>');
    sweep.states[3] = codeOf('done');
    server.add(sweep);
    using reader = await EventReader.open(server.port);
    const first = await reader.next();
    expect(first?.update).toEqual({
      mayAct: false,
      sweeps: [
        {
          ...{ id: 'abc', name: '<script>alert(1)</script>', status: sweep.status },
          states: { count: 10, all: '3pd6p' },
        },
      ],
    });
    sweep.change(() => (sweep.states[4] = codeOf('failed')));
    const { update } = (await reader.next())!;
    expect(update.sweeps).toEqual([{ id: 'abc', name: sweep.name, states: { changes: { f: [4] } } }]);
    sweep.change(() => (sweep.tableVersion = 7));
    expect((await reader.next())!.update.sweeps).toEqual([{ id: 'abc', name: sweep.name, table: 7 }]);
  });

  test('go on from where a reader was, and begin anew for one of another server', async () => {
    await using server = await listen();
    const sweep = new PlayedSweep();
    server.add(sweep);
    const reader = await EventReader.open(server.port);
    const { id } = (await reader.next())!;
    reader[Symbol.dispose]();
    using watcher = await EventReader.open(server.port);
    await watcher.next();
    sweep.change(() => (sweep.states[1] = codeOf('lost')));
    await watcher.next();
    using back = await EventReader.open(server.port, { 'last-event-id': id });
    expect((await back.next())!.update.sweeps).toMatchObject([{ states: { changes: { l: [1] } } }]);
    for (const other of ['00000000-1', `${id}9`, 'x', '-1']) {
      using stranger = await EventReader.open(server.port, { 'last-event-id': other });
      expect((await stranger.next())!.update.sweeps).toMatchObject([{ states: { count: 10 } }]);
    }
  });

  test('tell who has the token that he may act', async () => {
    await using server = await listen();
    using reader = await EventReader.open(server.port, { cookie: `gva-${server.port}=${token}` });
    expect((await reader.next())!.update).toEqual({ mayAct: true, sweeps: [] });
  });

  test('reach hundreds of pages, and those beyond are turned away', async () => {
    await using server = await listen({}, { mostReaders: 300 });
    const sweep = new PlayedSweep();
    server.add(sweep);
    const readers = await Promise.all(Array.from({ length: 300 }, () => EventReader.open(server.port)));
    await Promise.all(readers.map((reader) => reader.next()));
    expect(server.readers).toBe(300);
    await expect(EventReader.open(server.port)).rejects.toThrow('503');
    sweep.change(() => (sweep.states[0] = codeOf('done')));
    for (const reader of readers)
      expect((await reader.next())!.update.sweeps).toMatchObject([{ states: { changes: { d: [0] } } }]);
    for (const reader of readers) reader[Symbol.dispose]();
  });

  test('end with a word when the server ends, also where a reader takes nothing', async () => {
    const server = await listen();
    using reader = await EventReader.open(server.port);
    await reader.next();
    const deaf = connect(server.port, '127.0.0.1');
    await once(deaf, 'connect');
    deaf.pause();
    deaf.write('GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n');
    deaf.on('error', () => undefined);
    await server[Symbol.asyncDispose]();
    expect(await reader.next()).toMatchObject({ event: 'bye' });
    expect(await reader.next()).toBeUndefined();
    deaf.destroy();
  });
});

describe('a reader who is slow', () => {
  /** A response whose reader takes a text only when the test says so. */
  class SlowResponse extends Writable {
    readonly taken: string[] = [];
    #go: (() => void) | undefined;
    constructor() {
      super({ highWaterMark: 1 });
    }
    writeHead() {
      return this;
    }
    override _write(chunk: Buffer, _encoding: string, done: () => void) {
      this.taken.push(chunk.toString());
      this.#go = done;
    }
    /** Takes what is on its way. */
    async take() {
      const drained = once(this, 'drain');
      this.#go?.();
      await drained;
    }
  }

  class CountingFeed implements EventFeed {
    moment = 1;
    made = 0;
    since(moment: number) {
      this.made++;
      return moment === this.moment ? undefined : `${moment} to ${this.moment}`;
    }
    idOf(moment: number) {
      return String(moment);
    }
  }

  test('gets the newest state in one, and nothing is kept for him meanwhile', async () => {
    const [response, feed] = [new SlowResponse(), new CountingFeed()];
    const stream = new EventStream(response as unknown as ServerResponse, feed, false, 0);
    for (let moment = 2; moment <= 5000; moment++) {
      feed.moment = moment;
      stream.tell();
      stream.beat();
    }
    expect(feed.made).toBe(0);
    expect(response.writableLength).toBeLessThan(100);
    await response.take();
    expect(feed.made).toBe(1);
    feed.moment = 5001;
    await response.take();
    await response.take();
    expect(response.taken).toEqual([
      'retry: 2000\n\n',
      'id: 5000\nevent: update\ndata: 0 to 5000\n\n',
      'id: 5001\nevent: update\ndata: 5000 to 5001\n\n',
    ]);
    response.destroy();
  });
});

describe('changes of points', () => {
  const states = fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 60 });

  test('are read back as they were said', () => {
    fc.assert(
      fc.property(states, (codes) => {
        const bytes = Uint8Array.from(codes);
        const sent = JSON.parse(JSON.stringify(encodeStates(bytes))) as ReturnType<typeof encodeStates>;
        expect(applyStates(new Uint8Array(0), sent)).toEqual(bytes);
      }),
    );
  });

  test('bring any reader to what is, whenever he looked last', () => {
    fc.assert(
      fc.property(fc.array(states, { minLength: 2, maxLength: 12 }), fc.nat(), (history, pick) => {
        const sweep = new PlayedSweep();
        const changes = new SweepChanges(sweep);
        const seen: Uint8Array[] = [];
        for (const [moment, codes] of history.entries()) {
          sweep.states = Uint8Array.from(codes);
          changes.look(moment + 1);
          seen.push(sweep.states.slice());
        }
        const from = pick % history.length;
        const update = changes.since(from + 1)?.states;
        const now = update ? applyStates(seen[from]!.slice(), update) : seen[from];
        expect(now).toEqual(seen.at(-1));
      }),
    );
  });

  test('are remembered up to a number; then all states are said', () => {
    const sweep = new PlayedSweep();
    sweep.states = new Uint8Array(40_000);
    const changes = new SweepChanges(sweep);
    changes.look(1);
    for (let moment = 2; moment <= 30; moment++) {
      sweep.states.fill(moment % 2, (moment - 2) * 1000, (moment - 1) * 1000);
      sweep.states[moment] = 3;
      changes.look(moment);
    }
    const early = changes.since(1)?.states;
    expect(early).toHaveProperty('all');
    expect(applyStates(new Uint8Array(0), early!)).toEqual(sweep.states);
    expect(changes.since(29)?.states).toHaveProperty('changes');
    expect(changes.since(30)).toBeUndefined();
  });
});
