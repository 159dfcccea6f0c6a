/** Seconds that saving an instance takes besides writing its memory. */
const savingTime = 30;
/** Bytes of memory that are saved in a second, at least. */
const savingRate = 20 * 2 ** 20;
/** Milliseconds; what a timer can wait for at most. */
const longest = 2 ** 31 - 1;

/** Seconds of a job that are left for saving what runs: a quarter of it, at most. */
export const timeToSave = (seconds: number, memory: number) =>
  Math.min(seconds / 4, savingTime + memory / savingRate);

/**
 * Aborted when what runs is to be saved and ended: the job was told to end, or its time is nearly over. Grids say so only
 * some seconds before they kill.
 *
 * @param stop the job was told to
 * @param seconds that the job is given; undefined: nobody knows
 * @param memory of an instance, in bytes
 * @param now seconds since the job began
 */
export function leaveSignal(
  stop: AbortSignal,
  seconds: number | undefined,
  memory: number,
  now = performance.now() / 1000,
): AbortSignal {
  if (seconds === undefined) return stop;
  const left = Math.max(0, seconds - timeToSave(seconds, memory) - now) * 1000;
  return left > longest ? stop : AbortSignal.any([stop, AbortSignal.timeout(Math.ceil(left))]);
}
