import { Option } from 'commander';
import { messageColours as pc } from './colours.js';
import { ExitCode, GvaError } from '../system/errors.js';

/**
 * Runs a command's work: its exit code is the returned one; an error meant for people is shown with its hint
 * on standard error and, with `json`, as a JSON document on standard output. The first SIGINT or SIGTERM
 * aborts the signal, a second one ends the process; nothing of a VM outlives either.
 */
export async function act(json: boolean, work: (signal: AbortSignal) => Promise<ExitCode>): Promise<void> {
  const controller = new AbortController();
  const interrupt = () => {
    if (controller.signal.aborted) process.exit(ExitCode.interrupted);
    controller.abort(new GvaError('INTERRUPTED', 'interrupted', { exitCode: ExitCode.interrupted }));
  };
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt).on('SIGHUP', interrupt);
  try {
    process.exitCode = await work(controller.signal);
  } catch (error) {
    if (!(error instanceof GvaError)) throw error;
    showError(error);
    if (json) printJson({ error: { code: error.code, message: error.message, hint: error.hint } });
    process.exitCode = error.exitCode;
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt).off('SIGHUP', interrupt);
  }
}

export function showError(error: GvaError): void {
  console.error(`${pc.red('error:')} ${error.message}`);
  if (error.hint !== undefined) console.error(`${pc.cyan('hint:')} ${error.hint}`);
}

export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

/** An option that may be given many times; its value is the list of what was given. */
export function repeatable(flags: string, description: string): Option {
  return new Option(flags, `${description} (repeatable)`)
    .argParser((word, words: string[]) => [...words, word])
    .default([], 'none');
}
