import type { Appliance } from '../../model/appliance.js';
import type { HostSample } from './host-sample.js';
import { type MeasuredMemory, MemoryEstimate } from './instance-memory.js';
import { SwapBrake } from './swap-brake.js';

/** Bytes that a VMM takes beside its guest's memory, before any was measured. */
const overhead = 64 << 20;
/** Load that this process makes itself, with the tools that it runs to stage and to collect. */
const ownLoad = 1;

/** Instances that may run at once, and what sets the limit. */
export interface CapacityLimit {
  readonly atOnce: number;
  readonly by: 'jobs' | 'cpus' | 'load' | 'share' | 'memory' | 'swap';
}

export interface CapacityUse {
  /** Instances of this sweep that run now, those being staged with them. */
  readonly running: number;
  /** Machines that wait for instances besides; none where absent. */
  readonly waiting?: number;
  /** Where it was measured: `measureInstances()`. */
  readonly memory?: MeasuredMemory;
  /** CPUs that are this sweep's part (`FairShare`); no limit where absent. */
  readonly share?: number;
  /** CPUs that instances of the user's other sweeps use: no load of others. */
  readonly otherSweeps?: number;
}

/** What is left beside as many instances as may run at once. */
export interface Spare {
  /** Machines that memory has room for. */
  readonly machines: number;
  /** CPUs that nobody keeps busy; a fraction counts. */
  readonly cpus: number;
}

/**
 * How many instances may run at once. Without `jobs`, as many as there are CPUs that others do not keep busy; with it,
 * so many. In both cases no more than is this sweep's share, than memory allows and than keeps the host from swapping;
 * but always one.
 */
export class Capacity {
  readonly #cpus: number;
  readonly #jobs: number | undefined;
  readonly #memory: MemoryEstimate;
  readonly #brake = new SwapBrake();
  readonly #ownMinute = new Mean(60);
  readonly #runnable = new Mean(10);
  #spare: Spare = { machines: 0, cpus: 0 };

  /** @param jobs what `-j` says */
  constructor({ hardware }: Pick<Appliance, 'hardware'>, jobs?: number) {
    this.#cpus = hardware.cpus;
    this.#jobs = jobs;
    this.#memory = new MemoryEstimate(hardware.memory + overhead);
  }

  /** Bytes that an instance is believed to take. */
  get memoryEach(): number {
    return this.#memory.bytes;
  }

  /** As of the last update. */
  get spare(): Spare {
    return this.#spare;
  }

  /**
   * Before the first instances, then about once a second.
   *
   * @param now seconds, not before the last
   */
  update(now: number, host: HostSample, use: CapacityUse): CapacityLimit {
    const others = this.#loadOfOthers(now, host, use);
    const machines = this.#byMemory(host, use);
    const limits: CapacityLimit[] = [this.#byProcessors(host, others), { by: 'memory', atOnce: machines }];
    if (use.share !== undefined) limits.push({ by: 'share', atOnce: Math.floor(use.share / this.#cpus) });
    this.#brake.note(now, host.swapped, use.running, lowest(limits).atOnce);
    const limit = lowest([...limits, { by: 'swap', atOnce: this.#brake.most }]);
    const atOnce = Math.max(1, limit.atOnce);
    const used = others + (use.otherSweeps ?? 0) + atOnce * this.#cpus;
    this.#spare = {
      machines: limit.by === 'swap' ? 0 : Math.max(0, machines - atOnce),
      cpus: Math.max(0, host.cpus - used),
    };
    return { by: limit.by, atOnce };
  }

  #byProcessors(host: HostSample, others: number): CapacityLimit {
    if (this.#jobs !== undefined) return { by: 'jobs', atOnce: this.#jobs };
    const by = others > 0 ? 'load' : 'cpus';
    return { by, atOnce: Math.floor((host.cpus - others) / this.#cpus) };
  }

  /**
   * Tasks of others that want CPUs. The load average still has in it what ended a minute ago, so it counts no further
   * than there are others that want to run now.
   */
  #loadOfOthers(now: number, { load, runnable }: HostSample, use: CapacityUse): number {
    const own = use.running * this.#cpus + (use.otherSweeps ?? 0);
    const lately = load - this.#ownMinute.note(now, own);
    const atPresent = this.#runnable.note(now, Math.max(0, runnable - own));
    return Math.max(0, Math.min(lately, atPresent) - ownLoad);
  }

  #byMemory({ memory }: HostSample, { running, waiting = 0, memory: measured }: CapacityUse): number {
    if (measured) this.#memory.note(measured);
    // Each that waits becomes that of an instance.
    const there = running + waiting;
    const free = memory - this.#memory.stillToCome(there);
    return there + Math.floor(free / this.#memory.bytes);
  }
}

const lowest = (limits: readonly CapacityLimit[]) => limits.reduce((a, b) => (b.atOnce < a.atOnce ? b : a));

/** A mean that forgets, as the kernel's load averages do: what is `period` seconds old counts 1/e. */
class Mean {
  readonly #period: number;
  #at: number | undefined;
  #mean = 0;

  constructor(period: number) {
    this.#period = period;
  }

  /** @returns the mean up to now, the new value having held since the last */
  note(now: number, value: number): number {
    const kept = this.#at === undefined ? 0 : Math.exp(-Math.max(0, now - this.#at) / this.#period);
    this.#mean = this.#at === undefined ? value : this.#mean * kept + value * (1 - kept);
    this.#at = now;
    return this.#mean;
  }
}
