import type { GuestCommand } from '../../channel/command.js';
import type { FoundInstance } from '../../instance/control/client.js';
import { ExitCode, GvaError } from '../../system/errors.js';

/** Commands in the guest of an instance. */
export interface Guest {
  exec(...words: readonly string[]): Promise<GuestCommand>;
  /** Runs a command that reads nothing, to its end. @throws GvaError GUEST_COMMAND where its status is not 0 */
  ask(...words: readonly string[]): Promise<string>;
}

/** Bytes of an answer, at most. */
const longest = 4 << 20;

/** @throws GvaError INSTANCE_UNKNOWN */
export async function connectGuest(name: string): Promise<Guest> {
  const { execute } = await import('../../instance/control/client.js');
  const instance = await findInstance(name);
  const exec = (...words: readonly string[]) => execute(instance, words);
  return { exec, ask: async (...words) => answerOf(await exec(...words)) };
}

/** @throws GvaError INSTANCE_UNKNOWN */
export async function findInstance(name: string): Promise<FoundInstance> {
  const { runningInstances } = await import('../../instance/control/client.js');
  const instance = (await runningInstances()).find(({ id }) => id === name);
  if (!instance)
    throw new GvaError('INSTANCE_UNKNOWN', `no instance ${name} runs on this machine`, {
      hint: 'gva ps shows those that do.',
    });
  return instance;
}

async function answerOf(command: GuestCommand): Promise<string> {
  command.stdin.end();
  const [out, said, { status }] = await Promise.all([
    textOf(command, command.stdout),
    textOf(command, command.stderr),
    command.exited,
  ]);
  if (status === 0) return out;
  const [last = ''] = said.trim().split('\n').slice(-1);
  throw new GvaError('GUEST_COMMAND', `the guest answers with status ${status}${last && `: ${last}`}`, {
    exitCode: ExitCode.infrastructure,
  });
}

/** What a guest sends is as long as it likes. */
async function textOf(command: GuestCommand, stream: NodeJS.ReadableStream): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    chunks.push(chunk as Buffer);
    size += (chunk as Buffer).length;
    if (size <= longest) continue;
    command.kill();
    throw new GvaError('GUEST_COMMAND', 'the guest answers more than can be right', {
      exitCode: ExitCode.infrastructure,
    });
  }
  return Buffer.concat(chunks).toString('utf8');
}
