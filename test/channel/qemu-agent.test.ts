import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { type Server, type Socket, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { GuestCommand } from '../../src/channel/command.js';
import { QemuAgentChannel } from '../../src/channel/qemu-agent/channel.js';
import { eventually, temporaryFolder } from '../support/gva.js';

// Commands by the QEMU guest agent (docs/channels.md, "The QEMU guest agent").

const agent = findAgent();

function findAgent(): string | undefined {
  try {
    return execFileSync('sh', ['-c', 'PATH=$PATH:/usr/sbin command -v qemu-ga'], { encoding: 'utf8' }).trim();
  } catch {
    return undefined;
  }
}

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => void (folder = await temporaryFolder()));
afterAll(() => folder[Symbol.asyncDispose]());

async function outcome(
  command: GuestCommand,
  input: string | Buffer = '',
): Promise<[number, string, string]> {
  command.stdin.end(input);
  const [{ status }, out, err] = await Promise.all([
    command.exited,
    buffer(command.stdout),
    buffer(command.stderr),
  ]);
  return [status, out.toString(), err.toString()];
}

describe.runIf(agent)(`the real one (${agent ?? 'qemu-guest-agent is not installed'})`, () => {
  let child: ChildProcess;
  let socket: Socket;
  let channel: QemuAgentChannel;

  beforeAll(async () => {
    const path = join(folder.path, 'agent');
    // It runs on this machine: what would change that is forbidden.
    const words = ['-m', 'unix-listen', '-p', path, '-t', folder.path, '-f', join(folder.path, 'pid')];
    const blocked = [
      '-b',
      'guest-set-time,guest-shutdown,guest-suspend-disk,guest-suspend-ram,guest-fsfreeze-freeze',
    ];
    child = spawn(agent ?? '', [...words, ...blocked], { stdio: 'ignore' });
    // Its name is there before it listens.
    await eventually(async () => {
      socket = connect(path);
      return once(socket, 'connect').then(
        () => true,
        () => child.exitCode !== null,
      );
    });
    channel = await QemuAgentChannel.open(socket, 50_000);
  }, 60_000);
  afterAll(async () => {
    socket.destroy();
    child.kill();
    await once(child, 'exit');
  });

  it('gives output, errors and status of a command, and takes its input', async () => {
    expect(await outcome(channel.exec(['sh', '-c', 'cat; echo err >&2; exit 7']), 'in')).toEqual([
      7,
      'in',
      'err\n',
    ]);
    expect(await outcome(channel.exec(['printf', '%s|', 'a b', '', "it's\n"]))).toEqual([
      0,
      "a b||it's\n|",
      '',
    ]);
    expect(await outcome(channel.exec(['no-such-program']))).toMatchObject([
      127,
      '',
      expect.stringContaining('no such'),
    ]);
    expect(await outcome(channel.exec(['sh', '-c', 'kill -9 $$']))).toEqual([137, '', '']);
  });

  it('binary data survives in both directions, beyond what the agent gives at once', async () => {
    const bytes = randomBytes(2_000_000);
    const command = channel.exec(['cat']);
    command.stdin.end(bytes);
    command.stderr.resume();
    const [out, { status }] = await Promise.all([buffer(command.stdout), command.exited]);
    expect(status).toBe(0);
    expect(out.equals(bytes)).toBe(true);
  });

  it('what a command says comes while it runs; a signal ends it and what it has started', async () => {
    const command = channel.exec(['sh', '-c', 'sleep 1000 & echo $!; wait']);
    command.stdin.end();
    command.stderr.resume();
    const [first] = (await once(command.stdout, 'data')) as [Buffer];
    command.signal(15);
    expect(await command.exited).toEqual({ status: 143 });
    await eventually(() => !isAlive(Number(first.toString())));
  });

  it('a command that is killed is gone, and others go on; nothing of them stays', async () => {
    const killed = channel.exec(['sleep', '1000']);
    killed.stdin.end();
    const waiting = channel.exec(['cat']);
    waiting.kill();
    await expect(waiting.exited).rejects.toMatchObject({ code: 'CHANNEL' });
    expect(await outcome(channel.exec(['echo', 'others']))).toEqual([0, 'others\n', '']);
    killed.kill();
    await expect(killed.exited).rejects.toMatchObject({ code: 'CHANNEL' });
    const left = async () => (await readdir('/tmp')).filter((name) => /^gva-[0-9a-f]{16}\./.test(name));
    // They are removed by a command of their own.
    await eventually(async () => (await left()).length === 0);
  });

  it('what it refuses is told', async () => {
    await expect(channel.setTime(Date.now())).rejects.toMatchObject({
      code: 'CHANNEL_REFUSED',
      message: expect.stringContaining('guest-set-time') as string,
    });
  });
});

const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

describe('one that does not keep to its protocol', () => {
  let listener: Server;
  let guest: Socket;
  let host: Socket;
  let answer: (question: { execute: string; arguments: Record<string, unknown> }) => void;

  beforeEach(async () => {
    const path = join(folder.path, 'false-agent');
    listener = createServer().listen(path);
    const accepted = once(listener, 'connection');
    host = connect(path);
    [guest] = (await accepted) as [Socket];
    let text = '';
    guest.on('error', () => undefined);
    guest.on('data', (chunk: Buffer) => {
      const lines = (text + chunk.toString('latin1')).replaceAll('\xff', '').split('\n');
      text = lines.pop() ?? '';
      for (const line of lines) answer(JSON.parse(line) as Parameters<typeof answer>[0]);
    });
  });
  afterEach(() => {
    guest.destroy();
    host.destroy();
    listener.close();
  });

  const say = (value: unknown) => guest.write(`${JSON.stringify(value)}\n`);
  const synchronize = (id: unknown) => {
    guest.write(Buffer.from([0x7b, 0x22, 0xff]));
    say({ return: id });
  };

  it('is given up where it does not answer, and heard where it does at last', async () => {
    answer = () => undefined;
    await expect(QemuAgentChannel.open(host, 200)).rejects.toMatchObject({ code: 'CHANNEL' });
    answer = ({ arguments: { id } }) => synchronize(id);
    guest.write('{"return": 1}\nnoise');
    await QemuAgentChannel.open(host, 5000);
  });

  it('is heard where what it says of the sentinel comes together with its answer', async () => {
    answer = ({ execute, arguments: { id } }) => {
      const error = { error: { class: 'GenericError', desc: 'JSON parse error, stray' } };
      if (execute === 'guest-sync-delimited')
        guest.write(
          Buffer.from(`${JSON.stringify(error)}\n\xff${JSON.stringify({ return: id })}\n`, 'latin1'),
        );
    };
    await QemuAgentChannel.open(host, 5000);
  });

  it('is not heard where a line of it is longer than any that is right', async () => {
    answer = ({ arguments: { id } }) =>
      guest.write(`\xff{"return": ${String(id)}${' '.repeat(300_000)}}\n`, 'latin1');
    await expect(QemuAgentChannel.open(host, 500)).rejects.toMatchObject({ code: 'CHANNEL' });
    answer = ({ arguments: { id } }) =>
      guest.write(`\xff{"return": ${String(id)}${' '.repeat(200_000)}}\n`, 'latin1');
    await QemuAgentChannel.open(host, 5000);
  });

  it.each([
    ['a text for a number', { return: 'x' }],
    ['a number that is none', { return: 1e300 }],
    ['a list', []],
    ['nothing', { return: null }],
    ['an error that is none', { error: 5 }],
  ])('%s: the command fails, with a reason', async (_, wrong) => {
    answer = ({ execute, arguments: { id } }) =>
      execute === 'guest-sync-delimited' ? synchronize(id) : say(wrong);
    const channel = await QemuAgentChannel.open(host, 5000);
    const command = channel.exec(['true']);
    command.stdin.end();
    await expect(command.exited).rejects.toMatchObject({ code: expect.stringMatching(/^CHANNEL/) as string });
  });

  it('more bytes than were asked for are refused', async () => {
    answer = ({ execute, arguments: { id } }) => {
      if (execute === 'guest-sync-delimited') synchronize(id);
      else if (execute === 'guest-file-read')
        say({ return: { count: 1, 'buf-b64': 'A'.repeat(100_000), eof: false } });
      else say({ return: execute === 'guest-exec' ? { pid: 1 } : execute === 'guest-file-open' ? 5 : {} });
    };
    const command = (await QemuAgentChannel.open(host, 5000)).exec(['true']);
    command.stdin.end();
    command.stdout.resume();
    await expect(command.exited).rejects.toMatchObject({ code: 'CHANNEL' });
  });

  it('a machine that ends ends the commands', async () => {
    answer = ({ arguments: { id } }) => synchronize(id);
    const channel = await QemuAgentChannel.open(host, 5000);
    answer = () => guest.destroy();
    const command = channel.exec(['true']);
    command.stdin.end();
    await expect(command.exited).rejects.toMatchObject({ code: 'CHANNEL' });
  });

  it('the clock is set and the machine ended by its own commands', async () => {
    const asked: unknown[] = [];
    answer = (question) => {
      if (question.execute === 'guest-sync-delimited') synchronize(question.arguments['id']);
      else asked.push(question);
      if (question.execute === 'guest-set-time') say({ return: {} });
    };
    const channel = await QemuAgentChannel.open(host, 5000);
    await channel.setTime(1_700_000_000_123);
    await channel.shutdown();
    await eventually(() => asked.length === 2);
    expect(asked).toEqual([
      { execute: 'guest-set-time', arguments: { time: 1_700_000_000_123_000_000 } },
      { execute: 'guest-shutdown', arguments: { mode: 'powerdown' } },
    ]);
  });
});
