import { type VmmCommand, startSupervised } from '../supervisor.js';
import { TimeLimit } from '../time-limit.js';

export interface Said {
  /** Exit status; null where the program did not end in time. */
  readonly status: number | null;
  /** Standard output, then standard error; their last 64 and 16 KiB. */
  readonly text: string;
}

/** What a program answers; it and its children are gone afterwards, even if it does not. */
export const ask = (
  program: string,
  args: readonly string[],
  limitMs = 5000,
  env: Readonly<Record<string, string>> = {},
): Promise<Said> => askCommand({ program, args, env: { ...env, LC_ALL: 'C' } }, limitMs);

/** As `ask`, with all that a command may have. */
export async function askCommand(command: VmmCommand, limitMs: number): Promise<Said> {
  await using machine = await startSupervised(command);
  using limit = new TimeLimit(machine, limitMs);
  const { status, stderr } = await machine.exited;
  return { status: limit.over ? null : status, text: machine.console.bytes().toString('utf8') + stderr };
}
