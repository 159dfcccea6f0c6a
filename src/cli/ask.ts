import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';

/** Whether there is somebody to ask. */
export const canAsk = () => process.stdin.isTTY && process.stderr.isTTY;

/** Asks on the terminal; anything but y or yes means no. @throws what the signal says */
export async function agreed(question: string, signal: AbortSignal): Promise<boolean> {
  return /^y(?:es)?$/i.test(await answerTo(question, signal));
}

/** Asks until it is told a number from 1 to `most`; nothing at all means 1. @throws what the signal says */
export async function pickedNumber(question: string, most: number, signal: AbortSignal): Promise<number> {
  for (;;) {
    const answer = await answerTo(question, signal);
    const number = answer === '' ? 1 : Number(answer);
    if (Number.isInteger(number) && number >= 1 && number <= most) return number;
    console.error(`A number from 1 to ${most}, please.`);
  }
}

async function answerTo(question: string, signal: AbortSignal): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  // While it reads, the terminal sends no signal for Ctrl-C. Ctrl-D is no answer.
  terminal.on('SIGINT', () => process.kill(process.pid, 'SIGINT'));
  try {
    const closed = once(terminal, 'close', { signal }).then(() => '');
    return (await Promise.race([terminal.question(question, { signal }), closed])).trim();
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    terminal.close();
  }
}
