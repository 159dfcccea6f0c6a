import { statfs } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import type { PointOutcome } from '../../model/sweep.js';
import { formatSize } from '../../system/units.js';

/** Bytes that stay free at least. */
const leastReserve = 256 << 20;
/** Bytes that are left, beside what is needed, when somebody writes again. */
const leastLeft = 1 << 20;
/** Seconds that a sweep waits at least after something found a disk full. */
const pauseWhenFull = 30;

/** Bytes that this user can still write where the path is; undefined where that cannot be told. */
export async function freeBytes(path: string): Promise<number | undefined> {
  const info = await statfs(path).catch(() => undefined);
  return info && info.bavail * info.bsize;
}

/**
 * Waits until so many bytes are free, but long enough at least that somebody can have made room where a quota is the limit.
 *
 * @param pause seconds between two looks
 * @returns false where the signal came first
 */
export async function untilRoom(
  folder: string,
  bytes: number,
  signal: AbortSignal,
  pause = pauseWhenFull / 2,
): Promise<boolean> {
  while (!signal.aborted) {
    await setTimeout(pause * 1000, undefined, { signal }).catch(() => undefined);
    if (((await freeBytes(folder)) ?? Infinity) >= bytes + leastLeft) break;
  }
  return !signal.aborted;
}

/** Whether an instance was lost because the host's disk, or the user's part of it, was full, as far as can be told. */
export function endedByFullDisk({ state, cause }: Pick<PointOutcome, 'state' | 'cause'>): boolean {
  return state === 'lost' && /^(?:ENOSPC|EDQUOT|disk-error)\b/.test(cause ?? '');
}

/**
 * Whether there is room for more instances in one folder, of scratch or of results. Below the reserve none is begun;
 * above one and a quarter of it they are again. The reserve is what all that run at once may yet take, and one more,
 * as the largest so far did; at least 256 MiB.
 */
export class DiskRoom {
  readonly folder: string;
  readonly #what: string;
  #each: number;
  #short = false;
  #fullUntil = -Infinity;

  /**
   * @param what the folder is, for people: `scratch folder`
   * @param each bytes that an instance is expected to write there
   */
  constructor(folder: string, what: string, each = 0) {
    this.folder = folder;
    this.#what = what;
    this.#each = each;
  }

  /** An instance has written so many bytes there. */
  note(bytes: number): void {
    this.#each = Math.max(this.#each, bytes);
  }

  /** Something found the disk full: the reserve was too small, or there is a quota. */
  noteFull(now: number): void {
    this.#fullUntil = now + pauseWhenFull;
  }

  /** @param atOnce instances that may run at once */
  reserve(atOnce: number): number {
    return Math.max(leastReserve, (atOnce + 1) * this.#each);
  }

  /**
   * Why no instance may be begun, as a sentence without its full stop; undefined where there is room.
   *
   * @param now seconds
   * @param free bytes; undefined where not known
   */
  shortage(now: number, free: number | undefined, atOnce: number): string | undefined {
    const reserve = this.reserve(atOnce);
    if (free !== undefined) this.#short = free < (this.#short ? 1.25 * reserve : reserve);
    const where = `the ${this.#what} ${this.folder}`;
    if (this.#short && free !== undefined)
      return `${where} has ${formatSize(free)} left; it goes on from ${formatSize(Math.ceil(1.25 * reserve))}`;
    return this.#short || now < this.#fullUntil ? `the disk of ${where} was full` : undefined;
  }
}
