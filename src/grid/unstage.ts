import type { SweepStore } from '../sweep/store/store.js';

/** A point that was staged was not begun after all: as if it had not been. What it has been through before counts. */
export function unstage(store: SweepStore, number: number): void {
  const record = store.get(number);
  if (!record) return;
  const { id, attempts, status, times } = record;
  if (attempts > 1) store.put({ number, id, state: 'lost', attempts: attempts - 1, status, times });
  else store.forget(number);
}
