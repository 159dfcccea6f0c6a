import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { errnoOf } from './errors.js';
import { packageRoot } from './package.js';
import { asError, findProgram, toolEnvironment, toolMissing } from './process.js';

/** Milliseconds that a group is given to end after SIGTERM. */
const grace = 20_000;

export interface GroupOptions {
  /** Added to the environment of this process. */
  readonly env?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  /** Called for each line that the tool says, on whichever of its outputs. */
  readonly onLine: (line: string) => void;
}

/**
 * Runs a tool that starts others, in a process group of its own: an abort ends all of them, SIGTERM first, and is
 * over when the tool is gone and has cleaned up. Where this process dies, however it dies, all of them are killed
 * (libexec/gva-supervise).
 *
 * @returns its exit status; null where a signal ended it
 * @throws GvaError TOOL_MISSING
 */
export async function runGroup(
  name: string,
  args: readonly string[],
  { env, signal, onLine }: GroupOptions,
): Promise<number | null> {
  signal?.throwIfAborted();
  if (!(await findProgram(name))) throw toolMissing(name);
  const child = spawn(join(packageRoot, 'libexec/gva-supervise'), [name, ...args], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    env: { ...toolEnvironment(), ...env },
  });
  // Its other end is the watcher's, which goes with it.
  child.once('exit', () => child.stdio[3]?.destroy());
  for (const stream of [child.stdout, child.stderr]) if (stream) createInterface(stream).on('line', onLine);
  const kill = (by: NodeJS.Signals) => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, by);
    } catch (error) {
      if (errnoOf(error) !== 'ESRCH') throw error;
    }
  };
  let last: NodeJS.Timeout | undefined;
  const end = () => {
    kill('SIGTERM');
    last = setTimeout(() => kill('SIGKILL'), grace);
  };
  signal?.addEventListener('abort', end, { once: true });
  try {
    const status = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    if (signal?.aborted) throw asError(signal.reason);
    return status;
  } finally {
    clearTimeout(last);
    signal?.removeEventListener('abort', end);
  }
}
