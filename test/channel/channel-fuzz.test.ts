import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compileGuestProgram, guestPrograms } from '../../src/base/guest-programs.js';
import { type Frame, FrameReader, encodeFrame, frameTypes, maxPayload } from '../../src/channel/frame.js';
import { GuestChannel } from '../../src/channel/guest-channel.js';
import { paces } from '../../src/channel/link.js';
import { temporaryFolder } from '../support/gva.js';

// Rubbish on the control channel, in both directions: bytes at random, damaged frames, and whole frames that say anything.
// GVA_FUZZ_RUNS and GVA_FUZZ_SEED choose others than the recorded ones.

const runs = Number(process.env['GVA_FUZZ_RUNS'] ?? (process.env['GVA_LONG'] ? 20_000 : 300));
const seed = Number(process.env['GVA_FUZZ_SEED'] ?? 1);

/** Numbers at random, always the same ones (mulberry32). */
class Chance {
  #state: number;
  constructor(state: number) {
    this.#state = state;
  }
  below(limit: number): number {
    let t = (this.#state = (this.#state + 0x6d2b79f5) | 0);
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * limit);
  }
  one<T>(of: readonly T[]): T {
    return of[this.below(of.length)] as T;
  }
  bytes(most: number): Buffer {
    return Buffer.from(Array.from({ length: this.below(most + 1) }, () => this.below(256)));
  }
}

const types = [...Object.values(frameTypes), 0, 5, 15, 24, 255];

/** @param words what an `exec` may ask for: the guest here is a process of this machine */
function anyFrame(chance: Chance, expected: number, words: readonly string[]): Frame {
  const type = chance.one(types);
  const number = chance.below(4) === 0 ? chance.below(2 ** 32) : expected;
  const session = chance.one([0, 1, 7, 8, 255]);
  const payload =
    type === frameTypes.exec
      ? Buffer.from(Array.from({ length: chance.below(4) }, () => `${chance.one(words)}\0`).join(''))
      : chance.bytes(chance.one([1, 5, 6, 300]));
  return { type, session, number, payload };
}

/** What comes in one go: rubbish, frames that are whole, and frames with some bytes changed, cut or put in. */
function burst(chance: Chance, frame: () => Frame): Buffer {
  const parts = Array.from({ length: 1 + chance.below(6) }, () => {
    if (chance.below(4) === 0) return chance.bytes(400);
    const bytes = encodeFrame(frame());
    switch (chance.below(5)) {
      case 0:
        bytes[chance.below(bytes.length)] = chance.below(256);
        return bytes;
      case 1:
        return bytes.subarray(0, chance.below(bytes.length));
      case 2:
        return Buffer.concat([bytes.subarray(0, 5), chance.bytes(20), bytes.subarray(5)]);
      default:
        return bytes;
    }
  });
  return Buffer.concat(parts);
}

test('frames are found whatever the pieces are that they come in', () => {
  const chance = new Chance(seed);
  for (let run = 0; run < runs; run++) {
    const all = burst(chance, () => anyFrame(chance, 0, ['x']));
    const whole = new FrameReader().push(all).frames;
    const reader = new FrameReader();
    const found: Frame[] = [];
    for (let at = 0; at < all.length;) {
      const size = 1 + chance.below(40);
      found.push(...reader.push(all.subarray(at, at + size)).frames);
      at += size;
    }
    expect(found).toEqual(whole);
  }
});

test(
  'a guest that says anything neither confuses nor exhausts its host',
  async () => {
    const chance = new Chance(seed + 1);
    for (let run = 0; run < runs; run++) {
      const reader = new FrameReader();
      const port = new Duplex({
        read: () => undefined,
        write: (bytes: Buffer, _, done) => {
          for (const { type, payload } of reader.push(bytes).frames)
            if (type === frameTypes.hello) {
              const welcome = Buffer.concat([payload.subarray(0, 4), Buffer.of(1)]);
              port.push(encodeFrame({ type: frameTypes.welcome, session: 0, number: 0, payload: welcome }));
            }
          done();
        },
      });
      const channel = await GuestChannel.open(port, paces.virtio, 10_000);
      const commands = [channel.exec(['one']), channel.exec(['two'])];
      const ends = commands.map(({ exited }) =>
        exited.then(
          ({ status }) => status,
          (error: unknown) => (error as { code: string }).code,
        ),
      );
      for (let n = 0, number = 0; n < 10; n++)
        port.push(burst(chance, () => anyFrame(chance, chance.below(3) === 0 ? number++ : number, ['x'])));
      await new Promise((resolve) => setImmediate(resolve));
      for (const { stdout, stderr } of commands)
        expect(Math.max(stdout.readableLength, stderr.readableLength)).toBeLessThanOrEqual(256 << 10);
      channel.close();
      for (const end of await Promise.all(ends)) expect(end).toSatisfy(isEnd);
      port.destroy();
    }
  },
  60_000 + runs * 50,
);

const isEnd = (end: unknown) => typeof end === 'number' || end === 'CHANNEL' || end === 'CHANNEL_EXEC';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let program: string;
beforeAll(async () => {
  folder = await temporaryFolder();
  program = join(folder.path, 'agent');
  expect(await compileGuestProgram(guestPrograms.agent, program)).toBe(true);
}, 60_000);
afterAll(() => folder[Symbol.asyncDispose]());

/** The line to the agent, for one channel; who goes leaves it to the next. */
function lineOf(socket: Duplex): Duplex {
  const line = new Duplex({
    read: () => undefined,
    write: (bytes: Buffer, _, done) => void socket.write(bytes, done),
  });
  const take = (bytes: Buffer) => line.push(bytes);
  socket.on('data', take);
  line.on('close', () => socket.off('data', take));
  return line;
}

async function answers(socket: Duplex): Promise<string> {
  const line = lineOf(socket);
  const channel = await GuestChannel.open(line, paces.virtio, 20_000);
  const command = channel.exec(['echo', 'well']);
  command.stdin.end();
  let text = '';
  for await (const chunk of command.stdout) text += (chunk as Buffer).toString();
  await command.exited;
  channel.close();
  line.destroy();
  return text;
}

test(
  'an agent that hears anything goes on, and answers who comes after that',
  async () => {
    const chance = new Chance(seed + 2);
    const child: ChildProcess = spawn(program, ['fd:3'], { stdio: ['ignore', 'ignore', 'inherit', 'pipe'] });
    const socket = child.stdio[3] as unknown as Duplex;
    socket.resume();
    const words = ['true', 'cat', 'no-such-program', '', 'x'.repeat(3000), '/', '/dev/null'];
    try {
      for (let run = 0; run < runs; run++) {
        let number = 0;
        const hello = { type: frameTypes.hello, session: 0, number: 0, payload: chance.bytes(6) };
        const greeting = chance.below(3);
        if (greeting === 0) socket.write(encodeFrame({ ...hello, payload: Buffer.alloc(6, run) }));
        else if (greeting === 1) socket.write(encodeFrame(hello));
        const bytes = burst(chance, () => anyFrame(chance, number++, words));
        await new Promise<void>((resolve) => socket.write(bytes, () => resolve()));
        if (run % 25 !== 24) continue;
        // Ends what may still be taken for a frame.
        socket.write(Buffer.alloc(maxPayload + 64));
        expect(await answers(socket)).toBe('well\n');
        expect(child.exitCode).toBe(null);
      }
    } finally {
      child.kill('SIGKILL');
      socket.destroy();
    }
  },
  60_000 + runs * 50,
);
