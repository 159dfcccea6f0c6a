import type { SweepStore } from '../store/store.js';

/**
 * Whether the table of results says what the store does, beyond this process: one that is killed, or that may not write, leaves
 * a table of before, and a store in which all is done.
 */
export class CurrentTable {
  /** Whether it is to be written. */
  isBehind: boolean;
  readonly #store: SweepStore;

  /** Until it is `written()`, whoever comes next takes it for behind. @throws GvaError ENOSPC, STORE_IO */
  constructor(store: SweepStore, isThere: boolean) {
    this.#store = store;
    const isCurrent = store.fact(fact) === current;
    this.isBehind = !isThere || !isCurrent;
    if (isCurrent) store.setFact(fact, behind);
  }

  /** The store has changed. */
  changed(): void {
    if (!this.isBehind) this.#store.setFact(fact, behind);
    this.isBehind = true;
  }

  /** It says all that the store does. @throws GvaError ENOSPC, STORE_IO */
  written(): void {
    this.#store.setFact(fact, current);
    this.isBehind = false;
  }
}

const fact = 'table';
const [current, behind] = ['current', 'behind'];
