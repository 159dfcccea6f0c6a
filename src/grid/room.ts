/**
 * Room for elements of an array. Counted in whole points: thirds or tenths of an element do not add up to exactly 1, and a
 * grid refuses an array that has one element too many.
 */
export class Room {
  readonly #elements: number;
  readonly #bundle: number;
  #alone = 0;
  #bundled = 0;

  /** @param bundle points of an element */
  constructor(elements: number, bundle: number) {
    this.#elements = elements;
    this.#bundle = bundle;
  }

  /** Takes a point in, where there is room for it. @param alone it gets an element of its own */
  take(alone: boolean): boolean {
    const after = { alone: this.#alone + (alone ? 1 : 0), bundled: this.#bundled + (alone ? 0 : 1) };
    if (after.alone + Math.ceil(after.bundled / this.#bundle) > this.#elements) return false;
    ({ alone: this.#alone, bundled: this.#bundled } = after);
    return true;
  }

  /** Nothing more fits, of whatever kind. */
  get isFull(): boolean {
    return this.#alone * this.#bundle + this.#bundled >= this.#elements * this.#bundle;
  }
}
