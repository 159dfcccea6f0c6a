import { constants } from 'node:os';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import type { GuestCommand } from '../../channel/command.js';
import type { ExitCode } from '../../system/errors.js';
import { act } from '../action.js';
import { connectGuest } from './connect.js';

export function addExecCommand(program: Command): void {
  program
    .command('exec')
    .argument('<instance>', 'name of an instance that runs: gva ps')
    .argument('<command...>', 'a program in the guest and its arguments')
    .description('run a command in the guest of an instance, as root, in its /output')
    .addHelpText(
      'after',
      `
Examples:
  gva exec fold-4711 -- ls -l /output
  gva exec fold-4711 -- sh -c 'tail -f /output/.gva/*.stdout'
  tar -c inputs | gva exec fold-4711 -- tar -x -C /tmp

Standard input, output and error are those of the command, byte for byte; so is its exit status (128 + the number of the
signal that ended it). SIGINT, SIGTERM and SIGHUP go to the command; a second one ends it at once.`,
    )
    .action((instance: string, words: string[]) => act(false, () => exec(instance, words)));
}

async function exec(name: string, words: readonly string[]): Promise<ExitCode> {
  const guest = await connectGuest(name);
  const command = await guest.exec(...words);
  const signals = forwardSignals(command);
  const input = pipeline(process.stdin, command.stdin).catch(() => undefined);
  try {
    const [, , { status }] = await Promise.all([
      pipeline(command.stdout, process.stdout, { end: false }),
      pipeline(command.stderr, process.stderr, { end: false }),
      command.exited,
    ]);
    return status as ExitCode;
  } finally {
    signals[Symbol.dispose]();
    // What the command has not read stays with whoever writes it.
    process.stdin.destroy();
    await input;
  }
}

function forwardSignals(command: GuestCommand): Disposable {
  const handlers = (['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map((name) => {
    const handler = () => command.signal(constants.signals[name]);
    process.on(name, handler);
    return () => process.off(name, handler);
  });
  return {
    [Symbol.dispose]: () => {
      for (const off of handlers) off();
    },
  };
}
