import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';

/** Whether there is somebody to ask. */
export const canAsk = () => process.stdin.isTTY && process.stderr.isTTY;

/** Asks on the terminal; anything but y or yes means no. @throws what the signal says */
export async function agreed(question: string, signal: AbortSignal): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  // While it reads, the terminal sends no signal for Ctrl-C. Ctrl-D means no.
  terminal.on('SIGINT', () => process.kill(process.pid, 'SIGINT'));
  try {
    const closed = once(terminal, 'close', { signal }).then(() => '');
    const answer = await Promise.race([terminal.question(question, { signal }), closed]);
    return /^y(?:es)?$/i.test(answer.trim());
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    terminal.close();
  }
}
