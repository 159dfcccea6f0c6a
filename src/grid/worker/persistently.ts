import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf, messageOf } from '../../system/errors.js';
import { formatDuration } from '../../system/units.js';

/** How long to bear with a shared file system, and whom to tell. */
export interface Patience {
  /** From the first failure on. */
  readonly seconds: number;
  /** Nothing is tried again once it is aborted. */
  readonly signal: AbortSignal;
  readonly log: (message: string) => void;
}

/** What file servers say when they are full, overloaded, or just being restarted. */
const passing = new Set([
  ...['EIO', 'ESTALE', 'ENOSPC', 'EDQUOT', 'ETIMEDOUT', 'EREMOTEIO', 'EAGAIN', 'EBUSY', 'ENOLCK'],
  ...['EHOSTDOWN', 'EHOSTUNREACH', 'ENETDOWN', 'ENETUNREACH', 'ENOTCONN', 'ECONNRESET', 'ESHUTDOWN'],
]);

export const isPassing = (error: unknown) => passing.has(errnoOf(error) ?? '');

/** Milliseconds between attempts: the first, and the longest after doubling each time. */
const [firstDelay, longestDelay] = [200, 10_000];

/**
 * Does what may fail because a shared file system fails, again and again, with growing delays.
 *
 * @param what is done, for the log: `cannot WHAT`
 * @param mayPass tells whether it is worth another attempt
 * @throws what the last attempt threw
 */
export async function persistently<T>(
  what: string,
  work: () => Promise<T>,
  { seconds, signal, log }: Patience,
  mayPass: (error: unknown) => boolean = isPassing,
): Promise<T> {
  let end: number | undefined;
  for (let delay = firstDelay; ; delay = Math.min(2 * delay, longestDelay)) {
    try {
      return await work();
    } catch (error) {
      const now = performance.now();
      end ??= now + seconds * 1000;
      const rest = Math.min(delay, end - now);
      if (signal.aborted || !(rest > 0) || !mayPass(error)) throw error;
      log(`cannot ${what}: ${messageOf(error)}; again in ${formatDuration(rest / 1000)}`);
      await sleep(rest, undefined, { signal }).catch(() => undefined);
    }
  }
}
