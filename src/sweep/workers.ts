import { setMaxListeners } from 'node:events';

/**
 * Works on the items, `atOnce` at a time, taking each from the iterator only when somebody is free for it.
 * No item is taken once the signal came or some work has thrown, and the signal that the works get is
 * aborted; they are waited for, then the first error is thrown.
 */
export async function runAll<T>(
  items: Iterator<T>,
  atOnce: number,
  work: (item: T, signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const errors: unknown[] = [];
  const failure = new AbortController();
  const stop = AbortSignal.any([signal, failure.signal]);
  // Every instance listens; Node takes more than ten listeners for a leak.
  setMaxListeners(0, stop);
  const worker = async () => {
    while (!stop.aborted) {
      const { done, value } = items.next() as IteratorResult<T, undefined>;
      if (done) return;
      try {
        await work(value, stop);
      } catch (error) {
        errors.push(error);
        failure.abort();
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  if (errors.length > 0) throw errors[0];
}
