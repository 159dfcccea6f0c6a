import { WarmPool, type PoolSize } from '../instance/pool/pool.js';
import type { PoolChoice } from '../model/start.js';
import type { HostWatch } from './host-watch.js';
import type { SweepSpec } from './run-sweep.js';
import type { Spare } from './schedule/capacity.js';

export interface PoolNeed {
  readonly choice: PoolChoice;
  /** Of each instance. */
  readonly cpus: number;
  /** Instances that may run at once. */
  readonly atOnce: number;
  /** Points that no instance was begun for. */
  readonly left: number;
  readonly spare: Spare;
}

/**
 * How many machines may wait: one for each instance that may run at once, as far as there are points for them and memory
 * has room for them besides. By `auto` they are made only while the processors that one needs have nothing else to do: in
 * all, a machine of the pool takes more processor time than another warm start.
 */
export function poolSize({ choice, cpus, atOnce, left, spare }: PoolNeed): PoolSize {
  return {
    most: choice === 'off' ? 0 : Math.max(0, Math.min(atOnce, left, spare.machines)),
    fill: choice === 'on' || spare.cpus >= cpus,
  };
}

/** The machines that a sweep on this host keeps ready for its next points. */
export class WarmMachines implements AsyncDisposable {
  readonly pool: WarmPool;
  readonly #choice: PoolChoice;
  readonly #cpus: number;
  readonly #host: Pick<HostWatch, 'spare' | 'state'>;

  constructor(
    { pool = 'off', prepared }: Pick<SweepSpec, 'pool' | 'prepared'>,
    host: Pick<HostWatch, 'spare' | 'state'>,
    say: (text: string) => void,
  ) {
    this.pool = new WarmPool({ say });
    this.#choice = pool;
    this.#cpus = prepared.appliance.hardware.cpus;
    this.#host = host;
  }

  /** @param left points that no instance was begun for; 0 where none is to be begun: all machines that wait go then */
  update(left: number): void {
    const { spare, state } = this.#host;
    this.pool.resize(poolSize({ choice: this.#choice, cpus: this.#cpus, atOnce: state.atOnce, left, spare }));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.pool[Symbol.asyncDispose]();
  }
}
