import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { compileGuestProgram, guestPrograms } from '../../src/base/guest-programs.js';
import type { GuestCommand } from '../../src/channel/command.js';
import { GuestChannel } from '../../src/channel/guest-channel.js';
import { type Pace, paces } from '../../src/channel/link.js';
import { GvaError } from '../../src/system/errors.js';
import { temporaryFolder } from '../support/gva.js';

// The guest's agent, as a process of this machine, at the other end of a socket.

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let program: string;
beforeAll(async () => {
  folder = await temporaryFolder();
  program = join(folder.path, 'agent');
  expect(await compileGuestProgram(guestPrograms.agent, program)).toBe(true);
  return () => folder[Symbol.asyncDispose]();
});

type Spoil = (bytes: Buffer) => Buffer;
const intact: Spoil = (bytes) => bytes;

/** A line to an agent; `there` makes of what the host sends what comes, `back` of what the guest sends. */
function startAgent(there = intact, back = intact): Duplex {
  const child = spawn(program, ['fd:3'], { stdio: ['ignore', 'ignore', 'inherit', 'pipe'] });
  const socket = child.stdio[3] as unknown as Duplex;
  const line = new Duplex({
    read: () => void socket.resume(),
    write: (bytes: Buffer, _, done) => void socket.write(there(bytes), done),
    destroy: (error, done) => {
      socket.destroy();
      done(error);
    },
  });
  socket.on('data', (bytes: Buffer) => {
    if (!line.push(back(bytes))) socket.pause();
  });
  socket.on('end', () => line.push(null)).on('error', () => undefined);
  child.once('exit', () => line.destroy());
  return line;
}

async function text(stream: NodeJS.ReadableStream): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('latin1');
}

async function answer(command: GuestCommand, input = ''): Promise<[string, string, number]> {
  command.stdin.end(Buffer.from(input, 'latin1'));
  const [out, err, { status }] = await Promise.all([
    text(command.stdout),
    text(command.stderr),
    command.exited,
  ]);
  return [out, err, status];
}

const digest = (bytes: string) => createHash('sha256').update(bytes, 'latin1').digest('hex');

describe.each(Object.entries(paces) as [string, Pace][])('at the pace of a %s line', (_, pace) => {
  let line: Duplex;
  let channel: GuestChannel;
  beforeEach(async () => {
    line = startAgent();
    channel = await GuestChannel.open(line, pace, 10_000);
  });
  afterEach(() => {
    channel.close();
    line.destroy();
  });

  test('a command has its streams and its status', async () => {
    const command = channel.exec(['sh', '-c', 'cat; echo err >&2; exit 7']);
    expect(await answer(command, 'in\0\xff')).toEqual(['in\0\xff', 'err\n', 7]);
  });

  test('megabytes go in and out unchanged, beside another command', async () => {
    const bytes = randomBytes(3 << 20).toString('latin1');
    const [[out, , status], [other]] = await Promise.all([
      answer(channel.exec(['cat']), bytes),
      answer(channel.exec(['echo', 'beside'])),
    ]);
    expect([digest(out), status, other]).toEqual([digest(bytes), 0, 'beside\n']);
  });

  test('who reads late, and all at once, gets everything', async () => {
    const command = channel.exec(['sh', '-c', 'head -c 2000000 /dev/zero']);
    while (command.stdout.readableLength < 256 << 10) await new Promise((resolve) => setTimeout(resolve, 5));
    expect((await text(command.stdout)).length).toBe(2_000_000);
  });

  test('what nobody reads stands still, and keeps no other command from its end', async () => {
    const flood = channel.exec(['sh', '-c', 'yes']);
    expect(await answer(channel.exec(['echo', 'through']))).toEqual(['through\n', '', 0]);
    expect(flood.stdout.readableLength).toBeLessThanOrEqual(256 << 10);
    flood.kill();
    await expect(flood.exited).rejects.toThrow('killed');
  });
});

describe('a command', () => {
  let line: Duplex;
  let channel: GuestChannel;
  beforeEach(async () => {
    line = startAgent();
    channel = await GuestChannel.open(line, paces.virtio, 10_000);
  });
  afterEach(() => {
    channel.close();
    line.destroy();
  });

  test('gets signals, it and what it has started', async () => {
    const command = channel.exec(['sh', '-c', 'echo begun; sleep 1000; echo never']);
    await new Promise((resolve) => command.stdout.once('data', resolve));
    command.signal(15);
    expect(await command.exited).toEqual({ status: 143 });
  });

  test('that has ended is nothing to signal or kill: its number is that of another one', async () => {
    const first = channel.exec(['true']);
    await first.exited;
    const second = channel.exec(['cat']);
    first.signal(9);
    first.kill();
    expect(await answer(second, 'here')).toEqual(['here', '', 0]);
  });

  test('that is not there is told', async () => {
    await expect(channel.exec(['no-such-program']).exited).rejects.toMatchObject({
      code: 'CHANNEL_EXEC',
      message: 'the guest cannot start the command: no such file or directory',
    });
  });

  test('ends although something that it has left holds its output', async () => {
    const [left, , status] = await answer(channel.exec(['sh', '-c', 'sleep 1000 & echo $!']));
    process.kill(Number(left), 'SIGKILL');
    expect(status).toBe(0);
  });

  test('one too many is refused, and room is there again', async () => {
    const commands = Array.from({ length: 8 }, () => channel.exec(['cat']));
    expect(() => channel.exec(['true'])).toThrow(GvaError);
    commands[0]?.stdin.end();
    await commands[0]?.exited;
    expect(await answer(channel.exec(['echo', 'again']))).toEqual(['again\n', '', 0]);
    for (const command of commands) command.kill();
  });
});

test('on a line that loses and changes bytes everything comes, once and in order', async () => {
  // A generator of random numbers, always of the same ones (Numerical Recipes, section 7.1).
  let state = 1;
  const chance = (one: number) => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) % one === 0;
  const spoil = (bytes: Buffer) => {
    const spoilt = Buffer.from(bytes);
    if (chance(20)) return spoilt.subarray(0, spoilt.length >> 1);
    if (chance(20)) spoilt[spoilt.length >> 1] = 0xc7;
    return spoilt;
  };
  const line = startAgent(spoil, spoil);
  const channel = await GuestChannel.open(line, { window: 4, payload: 4096, padding: 4160 }, 10_000);
  const bytes = randomBytes(60_000).toString('latin1');
  const [out] = await answer(channel.exec(['cat']), bytes);
  expect(digest(out)).toBe(digest(bytes));
  channel.close();
  line.destroy();
});

test('a greeting that is heard again, after what followed it, ends nothing', async () => {
  let greeting: Buffer | undefined;
  let again = false;
  const line = startAgent((bytes) => {
    greeting ??= Buffer.from(bytes);
    return again ? Buffer.concat([greeting, bytes]) : bytes;
  });
  const channel = await GuestChannel.open(line, paces.virtio, 10_000);
  const command = channel.exec(['cat']);
  command.stdin.write(Buffer.from('first '));
  const [first] = (await once(command.stdout, 'data')) as [Buffer];
  again = true;
  expect(first.toString() + (await answer(command, 'second'))[0]).toBe('first second');
  channel.close();
  line.destroy();
});

test('a guest that says nothing is given up', async () => {
  const line = new Duplex({ read: () => undefined, write: (_, __, done) => done() });
  await expect(GuestChannel.open(line, paces.serial, 100)).rejects.toMatchObject({ code: 'CHANNEL' });
});

test.each([-86_400_000, 86_400_000])(
  'a guest that says nothing is given up in its time, though the time of day jumps by %i ms',
  async (jump) => {
    const written: Buffer[] = [];
    const line = new Duplex({
      read: () => undefined,
      write: (chunk: Buffer, _, done) => {
        written.push(chunk);
        done();
      },
    });
    const opened = GuestChannel.open(line, paces.serial, 1500);
    const clock = vi.spyOn(Date, 'now').mockReturnValue(Date.now() + jump);
    await expect(opened)
      .rejects.toMatchObject({ code: 'CHANNEL' })
      .finally(() => clock.mockRestore());
    // It is greeted again and again until then.
    expect(written.length).toBeGreaterThan(2);
  },
);

test('the agent needs no C library', () => {
  const said = execFileSync('file', ['-b', program], { encoding: 'utf8' });
  expect(said).toContain('statically linked');
});
