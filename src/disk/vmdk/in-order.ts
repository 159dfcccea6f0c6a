/**
 * Runs `work` on up to `width` items at a time, and gives the results in the order of the items. Items are taken
 * only as they are needed. However it ends, no work is running afterwards.
 */
export async function* inOrder<Item, Result>(
  items: Iterable<Item> | AsyncIterable<Item>,
  width: number,
  work: (item: Item) => Promise<Result>,
): AsyncGenerator<Result> {
  const running: Promise<Result>[] = [];
  try {
    for await (const item of items) {
      const result = work(item);
      result.catch(() => undefined); // it is heard of when its turn has come
      running.push(result);
      if (running.length >= width) yield await (running.shift() as Promise<Result>);
    }
    for (let next = running.shift(); next; next = running.shift()) yield await next;
  } finally {
    await Promise.allSettled(running);
  }
}

/**
 * Items worth having under way for work that runs on libuv's thread pool, as node:zlib does: two for each of its
 * threads, whose number is 4 unless UV_THREADPOOL_SIZE said otherwise before the pool was first used.
 */
export const poolWidth = 2 * Math.min(Math.max(1, Number(process.env['UV_THREADPOOL_SIZE']) || 4), 64);
