import { Option } from 'commander';
import { messageColours as pc } from './colours.js';
import { withUsableCache } from '../instance/stand-in-cache.js';
import { ExitCode, GvaError, errnoOf, messageOf } from '../system/errors.js';

/**
 * Runs a command's work: its exit code is the returned one; an error meant for people is shown with its hint
 * on standard error and, with `json`, as a JSON document on standard output. The first SIGINT or SIGTERM
 * aborts the signal, a second one ends the process; nothing of a VM outlives either.
 *
 * @param options.saves the first SIGTERM aborts the work's second signal instead: what runs is to be saved and ended
 */
export async function act(
  json: boolean,
  work: (signal: AbortSignal, leave: AbortSignal) => Promise<ExitCode>,
  { saves = false }: { readonly saves?: boolean } = {},
): Promise<void> {
  const [controller, leave] = [new AbortController(), new AbortController()];
  const interrupt = () => abortOrExit(controller);
  const end = () => (saves && !leave.signal.aborted ? leave.abort(interrupted()) : interrupt());
  const handlers = { SIGINT: interrupt, SIGTERM: end, SIGHUP: interrupt };
  await perform(json ? printError : undefined, () => work(controller.signal, leave.signal), handlers);
}

/** How the work of many parts is to end. Whenever `abort` is aborted, so is `finish`. */
export interface StopSignals {
  /** Nothing more is to be begun; what runs goes on to its end. */
  readonly finish: AbortSignal;
  /** What runs is to be ended now. */
  readonly abort: AbortSignal;
  /** What runs is to be saved, and ended. */
  readonly leave: AbortSignal;
}

/**
 * As `act()`, for work of many parts: the first SIGINT asks to finish, the second aborts, a third ends the process. SIGTERM
 * and SIGHUP abort at once, since who sends them will not wait long.
 *
 * @param options.saves the first SIGTERM has what runs saved and ended, the next one aborts
 *
 * @param options.ignoreHangup SIGHUP means nothing: the work goes on when its user has logged out
 * @param options.onError tells programs of an error that people are shown
 */
export async function actInStages(
  work: (signals: StopSignals) => Promise<ExitCode>,
  {
    ignoreHangup = false,
    saves = false,
    onError,
  }: { readonly ignoreHangup?: boolean; readonly saves?: boolean; readonly onError?: ErrorTeller } = {},
): Promise<void> {
  const [finish, abort, leave] = [new AbortController(), new AbortController(), new AbortController()];
  const end = () => {
    finish.abort(interrupted());
    abortOrExit(abort);
  };
  const save = () => {
    if (!saves || leave.signal.aborted) {
      end();
      return;
    }
    finish.abort(interrupted());
    leave.abort(interrupted());
  };
  const interrupt = () => (finish.signal.aborted ? end() : finish.abort(interrupted()));
  const handlers = { SIGINT: interrupt, SIGTERM: save, SIGHUP: ignoreHangup ? () => undefined : end };
  const signals = { finish: finish.signal, abort: abort.signal, leave: leave.signal };
  await perform(onError, () => work(signals), handlers);
}

const interrupted = () => new GvaError('INTERRUPTED', 'interrupted', { exitCode: ExitCode.interrupted });

function abortOrExit(controller: AbortController): void {
  if (controller.signal.aborted) process.exit(ExitCode.interrupted);
  controller.abort(interrupted());
}

/**
 * As `act()`, for a job of a grid: the signal's reason is the name of what was received, such as `TERM`. Grids repeat
 * themselves, and kill in the end: nothing that comes after the first ends the process.
 */
export async function actAsJob(work: (signal: AbortSignal) => Promise<ExitCode>): Promise<void> {
  const controller = new AbortController();
  const stop = (name: string) => () => controller.abort(name);
  const handlers = { SIGINT: stop('INT'), SIGTERM: stop('TERM'), SIGHUP: stop('HUP') };
  await perform(undefined, () => work(controller.signal), handlers);
}

type Handlers = Readonly<Record<'SIGINT' | 'SIGTERM' | 'SIGHUP', () => void>>;
type ErrorTeller = (error: GvaError) => void | Promise<void>;

async function perform(
  tell: ErrorTeller | undefined,
  work: () => Promise<ExitCode>,
  handlers: Handlers,
): Promise<void> {
  const entries = Object.entries(handlers);
  for (const [name, handler] of entries) process.on(name, handler);
  try {
    process.exitCode = await withUsableCache(warn, work);
  } catch (error) {
    const told = asTold(error);
    showError(told);
    await tell?.(told);
    process.exitCode = told.exitCode;
  } finally {
    for (const [name, handler] of entries) process.off(name, handler);
  }
}

/** What the host refuses of a file is no bug of ours; everything else that is not told as an error for people is. */
function asTold(error: unknown): GvaError {
  if (error instanceof GvaError) return error;
  if (!(error instanceof Error) || !('syscall' in error)) throw error;
  // Of a file that is open, its name is not said.
  if (!('path' in error) && !refusals.has(errnoOf(error) ?? '')) throw error;
  return new GvaError('HOST_FILE', `the host refuses a file: ${messageOf(error)}`, {
    exitCode: ExitCode.infrastructure,
    cause: error,
  });
}

/** Never a mistake of ours. */
const refusals: ReadonlySet<string> = new Set(['EIO', 'ENOSPC', 'EDQUOT', 'ESTALE', 'EROFS', 'EFBIG']);

const warn = (text: string) => console.error(`${pc.yellow('warning:')} ${text}`);

export function showError(error: GvaError): void {
  console.error(`${pc.red('error:')} ${error.message}`);
  if (error.hint !== undefined) console.error(`${pc.cyan('hint:')} ${error.hint}`);
}

const printError = ({ code, message, hint }: GvaError) => printJson({ error: { code, message, hint } });

export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

/** An option that may be given many times; its value is the list of what was given. */
export function repeatable(flags: string, description: string): Option {
  return new Option(flags, `${description} (repeatable)`)
    .argParser((word, words: string[]) => [...words, word])
    .default([], 'none');
}
