import { constants } from 'node:os';

/**
 * Exit codes of every command, decided once. 69, 130 and 143 follow sysexits.h (EX_UNAVAILABLE) and the shell's
 * 128 + signal.
 */
export const ExitCode = {
  /** Everything asked for was done. */
  ok: 0,
  /** The application in the guest failed. */
  application: 1,
  /** Wrong usage or input. */
  usage: 2,
  /** Something around the application failed: VMM, host, base image. */
  infrastructure: 69,
  /** Ended by the user. */
  interrupted: 130,
  /** A job of a grid that was told to end: 128 + SIGTERM, as the shell has it. */
  stopped: 143,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

export interface GvaErrorOptions {
  /** What the user can do about it, as one sentence. */
  hint?: string;
  cause?: unknown;
  exitCode?: ExitCode;
}

/** An error meant for people: a stable code, a message, a hint. Everything else that is thrown is a bug. */
export class GvaError extends Error {
  override readonly name = 'GvaError';
  readonly code: string;
  readonly hint: string | undefined;
  readonly exitCode: ExitCode;

  constructor(code: string, message: string, options: GvaErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.exitCode = options.exitCode ?? ExitCode.usage;
  }
}

/** The `code` of a Node system error such as ENOENT; undefined for anything else. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? nameErrors(error.code) : undefined;
}

export function messageOf(error: unknown): string {
  return nameErrors(error instanceof Error ? error.message : String(error));
}

/** Node.js has no names for some errors, ESTALE and EDQUOT among them (seen with Node 20 and 22). */
const nameErrors = (text: string) =>
  text.replace(
    /Unknown system error -(\d+)/g,
    (all, number: string) => errnoNames.get(Number(number)) ?? all,
  );

const errnoNames = new Map(Object.entries(constants.errno).map(([name, number]) => [number, name]));

const fullDisk: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT']);

/** The `code` for which the error says, or one of its causes, that a disk or the user's part of it is full. */
export function fullDiskErrno(error: unknown): string | undefined {
  for (let each = error; each instanceof Error; each = each.cause) {
    const code = errnoOf(each) ?? '';
    if (fullDisk.has(code)) return code;
    // Tools say it in words.
    if (each.message.includes('No space left on device')) return 'ENOSPC';
    if (each.message.includes('Disk quota exceeded')) return 'EDQUOT';
  }
  return undefined;
}

const passing: ReadonlySet<string> = new Set([
  ...['EIO', 'ESTALE', 'ETIMEDOUT', 'EAGAIN', 'EINTR', 'EMFILE', 'ENFILE', 'ENOMEM'],
  ...['EHOSTDOWN', 'EHOSTUNREACH', 'ENETDOWN', 'ENETUNREACH', 'ENOLINK'],
]);

/** A refusal that is the host's own, whatever its code: nothing about the file is the reason. */
export class HostRefusal extends Error {
  constructor(cause: unknown) {
    super(messageOf(cause), { cause });
  }
}

/** Whether the error, or one of its causes, says nothing of the file but of the host's state, which may be better soon. */
export function isPassing(error: unknown): boolean {
  for (let each = error; each instanceof Error; each = each.cause)
    if (each instanceof HostRefusal || passing.has(errnoOf(each) ?? '')) return true;
  return false;
}
