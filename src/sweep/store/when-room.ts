import { setTimeout } from 'node:timers/promises';
import { fullDiskErrno } from '../../system/errors.js';

/** Seconds between two attempts. */
const pause = 2;

/**
 * Writes to the store; where the disk is full, as soon as there is room.
 *
 * @param onFull the disk was found full
 * @returns undefined where the signal came first
 */
export async function whenRoom<T>(
  write: () => T,
  onFull: () => void,
  signal: AbortSignal,
  seconds = pause,
): Promise<{ readonly value: T } | undefined> {
  for (;;) {
    try {
      return { value: write() };
    } catch (error) {
      if (fullDiskErrno(error) === undefined) throw error;
    }
    onFull();
    await setTimeout(seconds * 1000, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return undefined;
  }
}
