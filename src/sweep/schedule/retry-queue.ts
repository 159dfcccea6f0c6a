import { type Searching, searching } from './run-order.js';

/** What to do next: run this, or look again after so many seconds. */
export type Next<T> =
  | { readonly item: T; readonly fresh: boolean; readonly wait?: never }
  | { readonly wait: number; readonly item?: never };

interface Waiting<T> {
  readonly item: T;
  readonly due: number;
  /** In the order of coming, for those due at the same moment. */
  readonly order: number;
}

/**
 * Fresh points, taken from their iterator only when one is asked for, merged with those that wait to be run again. Where
 * it has to search for long, it gives `searching` now and then, and is asked again at the next turn of the event loop.
 * What is due goes first, but never twice in a row while fresh ones are left: neither can starve the other. Only
 * those that wait are held; when they are too many, fresh ones are held back until some of them are due.
 */
export class RetryQueue<T> {
  readonly #fresh: Iterator<T | Searching>;
  readonly #most: number;
  /** A binary heap: the first is due first. */
  #waiting: Waiting<T>[] = [];
  #came = 0;
  #exhausted = false;
  #lastWasRetry = false;

  /** @param most that may wait while fresh ones are begun */
  constructor(fresh: Iterator<T | Searching>, most = 10_000) {
    this.#fresh = fresh;
    this.#most = most;
  }

  /** How many wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** @param due when it may run, in seconds of the clock that `next` is told */
  add(item: T, due: number): void {
    this.#push({ item, due, order: this.#came++ });
  }

  /** Undefined where nothing is left, fresh or waiting; what runs now may still come back. */
  next(now: number): Next<T> | undefined {
    const first = this.#waiting[0];
    const due = first !== undefined && first.due <= now;
    if (due && (!this.#lastWasRetry || this.#heldBack)) return this.#retry();
    const fresh = this.#heldBack ? undefined : this.#takeFresh();
    if (fresh && (fresh.wait === undefined || !due)) return fresh;
    if (due) return this.#retry();
    return first && { wait: first.due - now };
  }

  /** Takes out those that wait and are chosen: they are not run again. */
  remove(chosen: (item: T) => boolean): T[] {
    const [out, stay]: [T[], Waiting<T>[]] = [[], []];
    for (const each of this.#waiting)
      if (chosen(each.item)) out.push(each.item);
      else stay.push(each);
    this.#waiting = [];
    for (const each of stay) this.#push(each);
    return out;
  }

  get #heldBack(): boolean {
    return this.#waiting.length >= this.#most;
  }

  #takeFresh(): Next<T> | undefined {
    if (this.#exhausted) return undefined;
    const { done, value } = this.#fresh.next() as IteratorResult<T | Searching, undefined>;
    if (value === searching) return { wait: 0 };
    this.#lastWasRetry = false;
    if (!done) return { item: value, fresh: true };
    this.#exhausted = true;
    return undefined;
  }

  #retry(): Next<T> | undefined {
    const first = this.#pop();
    this.#lastWasRetry = true;
    return first && { item: first.item, fresh: false };
  }

  #push(one: Waiting<T>): void {
    const heap = this.#waiting;
    heap.push(one);
    for (let at = heap.length - 1; at > 0;) {
      const parent = (at - 1) >> 1;
      if (!this.#swapIfLater(parent, at)) return;
      at = parent;
    }
  }

  #pop(): Waiting<T> | undefined {
    const heap = this.#waiting;
    const first = heap[0];
    const last = heap.pop();
    if (heap.length === 0 || last === undefined) return first;
    heap[0] = last;
    for (let at = 0; ;) {
      const [left, right] = [2 * at + 1, 2 * at + 2];
      const child = this.#isLater(left, right) ? right : left;
      if (!this.#swapIfLater(at, child)) return first;
      at = child;
    }
  }

  #swapIfLater(a: number, b: number): boolean {
    if (!this.#isLater(a, b)) return false;
    const heap = this.#waiting;
    [heap[a], heap[b]] = [heap[b] as Waiting<T>, heap[a] as Waiting<T>];
    return true;
  }

  /** Whether the one at `b` is there and goes before the one at `a`. */
  #isLater(a: number, b: number): boolean {
    const [x, y] = [this.#waiting[a], this.#waiting[b]];
    if (x === undefined || y === undefined) return false;
    return y.due < x.due || (y.due === x.due && y.order < x.order);
  }
}
