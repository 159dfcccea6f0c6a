import type { LiveStatus, SweepUpdate } from '../live/protocol.js';
import { encodeChanges, encodeStates } from '../live/states.js';
import type { SweepSource } from './source.js';

/** Changes of points that are remembered; who has missed more gets all states. */
const mostRemembered = 16_384;

/**
 * What of a sweep changed when. Moments are numbers that the server counts up; for any moment it can be told what is
 * other than then, so that nothing needs to be kept for a reader who is slow.
 */
export class SweepChanges {
  readonly source: SweepSource;
  #status: LiveStatus;
  #statusText = '';
  #states = new Uint8Array(0);
  #table = 0;
  /** When each changed last. */
  #moments = { status: 0, table: 0, allStates: 0 };
  /** Points and the moments of their changes, oldest first. */
  readonly #points: { readonly moment: number; readonly index: number }[] = [];
  /** All changes after this moment are among them. */
  #knownSince = 0;

  constructor(source: SweepSource) {
    this.source = source;
    this.#status = source.status;
  }

  /** Looks at the sweep. @returns whether something is other than at the last look */
  look(moment: number): boolean {
    const { status, states, tableVersion } = this.source;
    const text = JSON.stringify(status);
    const isOther = text !== this.#statusText;
    if (isOther) {
      this.#status = status;
      this.#statusText = text;
      this.#moments.status = moment;
    }
    const isNewTable = tableVersion !== this.#table;
    if (isNewTable) {
      this.#table = tableVersion;
      this.#moments.table = moment;
    }
    return this.#compare(states, moment) || isOther || isNewTable;
  }

  /** What is other than at that moment; 0 for everything. Undefined where nothing is. */
  since(moment: number): SweepUpdate | undefined {
    const states = this.#statesSince(moment);
    const { status, table } = this.#moments;
    if (status <= moment && table <= moment && !states) return undefined;
    const { id, name } = this.source;
    return {
      ...{ id, name },
      ...(status > moment ? { status: this.#status } : {}),
      ...(states ? { states } : {}),
      ...(table > moment ? { table: this.#table } : {}),
    };
  }

  #compare(states: Uint8Array, moment: number): boolean {
    if (states.length !== this.#states.length) {
      this.#states = states.slice();
      this.#moments.allStates = moment;
      this.#forget(moment);
      return true;
    }
    let changed = 0;
    for (let index = 0; index < states.length; index++) {
      const code = states[index] ?? 0;
      if (code === this.#states[index]) continue;
      this.#states[index] = code;
      changed++;
      if (changed <= mostRemembered) this.#points.push({ moment, index });
    }
    if (changed > mostRemembered) this.#forget(moment);
    const surplus = this.#points.length - mostRemembered;
    if (surplus > 0) this.#knownSince = this.#points.splice(0, surplus).at(-1)?.moment ?? moment;
    return changed > 0;
  }

  #forget(moment: number): void {
    this.#points.length = 0;
    this.#knownSince = moment;
  }

  #statesSince(moment: number) {
    const last = Math.max(this.#moments.allStates, this.#knownSince, this.#points.at(-1)?.moment ?? 0);
    if (moment > 0 && last <= moment) return undefined;
    if (moment === 0 || moment < this.#knownSince) return encodeStates(this.#states);
    const changes = new Map<number, number>();
    for (let place = this.#points.length - 1; place >= 0; place--) {
      const point = this.#points[place];
      if (!point || point.moment <= moment) break;
      changes.set(point.index, this.#states[point.index] ?? 0);
    }
    // So many are shorter said as runs.
    return changes.size > 2048 ? encodeStates(this.#states) : encodeChanges(changes);
  }
}
