import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { ExitCode, GvaError } from './errors.js';

/** What flock(1) ends with where somebody else has the lock; any other number that is not 0 is a failure. */
const held = 75;

/**
 * Takes a file's lock for this process, for as long as it lives or until the lock is disposed of: the kernel's own
 * (flock(2)), which a killed process does not leave behind. Among those who try at the same moment, one gets it.
 * For files of this machine; between machines, `lockFolder()`.
 *
 * @returns undefined where another process has it
 * @throws GvaError LOCK where the file system has no locks, or flock(1) is missing
 */
export async function lockFile(file: string): Promise<AsyncDisposable | undefined> {
  // Node.js has no flock(2). The lock belongs to the open file, which the tool shares with this process.
  const handle = await open(file, 'a');
  try {
    const child = spawn('flock', ['-n', '-E', String(held), '3'], {
      stdio: ['ignore', 'ignore', 'pipe', handle.fd],
    });
    let said = '';
    child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const [status] = (await once(child, 'close')) as [number | null];
    if (status === 0) return { [Symbol.asyncDispose]: () => handle.close() };
    if (status !== held) throw new Error(said.trim() || `flock ended with ${status}`);
  } catch (error) {
    await handle.close();
    throw new GvaError('LOCK', `cannot lock ${file}: ${String(error)}`, {
      hint: 'It needs the program flock (util-linux), and a file system with locks.',
      exitCode: ExitCode.infrastructure,
      cause: error,
    });
  }
  await handle.close();
  return undefined;
}
