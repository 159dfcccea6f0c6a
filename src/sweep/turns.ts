import type { ConductParts } from './conductor.js';
import { RunOrder, type Turn } from './schedule/run-order.js';
import type { StoredState } from './store/schema.js';
import type { SweepStore } from './store/store.js';

/** When a point is to be run that was left in that state. */
function turnOf(state: StoredState | undefined, force: boolean): Turn {
  if (state === 'done' && !force) return 'never';
  return state === 'lost' ? 'last' : 'now';
}

/** Of points that are asked for in any order. @param force run what is done again */
export function turnsAnyhow(store: SweepStore, force: boolean): (index: number) => Turn {
  return (index) => turnOf(store.get(index)?.state, force);
}

/**
 * Of points that are asked for in the order of their numbers, which takes a tenth of the time. What a point has become
 * since is of no concern: it was asked for by name then, and not in its turn.
 */
export function turnsByNumber(store: SweepStore, force: boolean): (index: number) => Turn {
  const known = store.states('done', 'lost');
  let next = known.next();
  return (index) => {
    while (!next.done && next.value.number < index) next = known.next();
    return turnOf(!next.done && next.value.number === index ? next.value.state : undefined, force);
  };
}

/** The order in which the points of a sweep are begun. */
export function orderOf({ spec, store, sorting }: ConductParts): RunOrder {
  const turns = sorting ? turnsAnyhow(store, spec.force) : turnsByNumber(store, spec.force);
  return new RunOrder(spec.plan.points, turns, sorting);
}
