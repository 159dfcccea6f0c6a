import type { Appliance } from '../model/appliance.js';
import { runningSweepsFolder, scratchFolder } from '../system/paths.js';
import { Capacity, type CapacityLimit, type Spare } from './schedule/capacity.js';
import { DiskRoom, endedByFullDisk, freeBytes } from './schedule/disk-room.js';
import { FairShare } from './schedule/fair-share.js';
import { sampleHost } from './schedule/host-sample.js';
import { type MeasuredMemory, measureInstances } from './schedule/instance-memory.js';
import type { DiskUse, PointRun } from './run-point.js';

export interface HostState extends CapacityLimit {
  /** Why no instance may be begun; absent where they may. */
  readonly pause?: string;
}

/** What this host has room for, looked at about once a second: processors, memory, other sweeps, disks. */
export class HostWatch implements AsyncDisposable {
  state: HostState = { atOnce: 1, by: 'cpus' };
  readonly #capacity: Capacity;
  readonly #cpus: number;
  readonly #jobs: number | undefined;
  readonly #rooms: Readonly<Record<keyof DiskUse, DiskRoom>>;
  #share: FairShare | undefined;
  #measuredAt = -Infinity;

  private constructor(appliance: Appliance, out: string, jobs: number | undefined) {
    this.#capacity = new Capacity(appliance, jobs);
    this.#cpus = appliance.hardware.cpus;
    this.#jobs = jobs;
    this.#rooms = {
      scratch: new DiskRoom(scratchFolder(), 'scratch folder'),
      results: new DiskRoom(out, 'results folder'),
    };
  }

  /** @param jobs what `-j` says */
  static async start(appliance: Appliance, out: string, jobs: number | undefined): Promise<HostWatch> {
    const watch = new HostWatch(appliance, out, jobs);
    // Where the folder cannot be used, sweeps share as the kernel shares.
    watch.#share = await FairShare.join(runningSweepsFolder()).catch(() => undefined);
    await watch.look(0, 0, Infinity);
    return watch;
  }

  /** What is left beside as many instances as may run at once. */
  get spare(): Spare {
    return this.#capacity.spare;
  }

  /**
   * @param now seconds
   * @param running instances of this sweep
   * @param left points that have not ended
   * @param waiting machines that wait for instances besides
   */
  async look(now: number, running: number, left: number, waiting = 0): Promise<HostState> {
    const wish = Math.min(left, this.#jobs ?? left) * this.#cpus;
    const asked = this.#jobs === undefined ? {} : { asked: this.#jobs * this.#cpus };
    const claim = { wish, using: running * this.#cpus, ...asked };
    const share = await this.#share?.update(claim).catch(() => undefined);
    const limit = this.#capacity.update(now, await sampleHost(), {
      ...{ running, waiting },
      ...(await this.#measured(now, running)),
      ...(share ? { share: share.cpus, otherSweeps: share.otherSweeps } : {}),
    });
    const shortages = await Promise.all(
      Object.values(this.#rooms).map(async (room) =>
        room.shortage(now, await freeBytes(room.folder), limit.atOnce),
      ),
    );
    const pause = shortages.find((reason) => reason !== undefined);
    this.state = { ...limit, ...(pause === undefined ? {} : { pause }) };
    return this.state;
  }

  /** It costs some milliseconds for each instance. */
  async #measured(now: number, running: number): Promise<{ memory?: MeasuredMemory }> {
    if (running === 0 || now - this.#measuredAt < 5) return {};
    this.#measuredAt = now;
    return { memory: await measureInstances() };
  }

  /** An instance has ended. */
  note(now: number, { outcome, took }: Pick<PointRun, 'outcome' | 'took'>): void {
    if (took) {
      this.#rooms.scratch.note(took.scratch);
      this.#rooms.results.note(took.results);
    }
    if (endedByFullDisk(outcome)) for (const room of Object.values(this.#rooms)) room.noteFull(now);
  }

  /** Something else of the sweep found the disk of the results full. */
  noteFull(now: number): void {
    this.#rooms.results.noteFull(now);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#share?.[Symbol.asyncDispose]();
  }
}
