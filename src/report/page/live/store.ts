import type { LiveStatus, LiveTable, LiveUpdate, SweepUpdate } from '../../live/protocol.js';
import { applyStates } from '../../live/states.js';

/** A sweep as the page knows it. */
export interface KnownSweep {
  readonly id: string;
  readonly name: string;
  status: LiveStatus | undefined;
  states: Uint8Array;
  /** Version of the table that can be fetched; 0 where there is none. */
  tableVersion: number;
  table: LiveTable | undefined;
}

/** What the server has told. */
export class Store {
  readonly sweeps = new Map<string, KnownSweep>();
  mayAct = false;
  readonly #listeners: (() => void)[] = [];

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  take({ mayAct, sweeps }: LiveUpdate): void {
    this.mayAct = mayAct;
    for (const sweep of sweeps) this.#take(sweep);
    for (const listener of this.#listeners) listener();
  }

  #take({ id, name, status, states, table }: SweepUpdate): void {
    const known = this.sweeps.get(id) ?? emptySweep(id, name);
    if (status) known.status = status;
    if (states) known.states = applyStates(known.states, states);
    if (table !== undefined) known.tableVersion = table;
    this.sweeps.set(id, known);
  }
}

const emptySweep = (id: string, name: string): KnownSweep => ({
  ...{ id, name, status: undefined, states: new Uint8Array(0), tableVersion: 0, table: undefined },
});
