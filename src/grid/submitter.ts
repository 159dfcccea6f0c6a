import { setImmediate } from 'node:timers/promises';
import type { GridElement, GridPoint } from '../model/grid.js';
import type { Point, PointOutcome } from '../model/sweep.js';
import type { ConductParts } from '../sweep/conductor.js';
import { notRun } from '../sweep/run-point.js';
import type { RetryQueue } from '../sweep/schedule/retry-queue.js';
import { GvaError } from '../system/errors.js';
import { type Arrived, readArrived } from './arrivals.js';
import { bundleSize } from './bundle.js';
import { type ChunkIntent, closeChunk, makeChunk, writeChunk, writeSubmitted } from './chunks.js';
import { type GridLimits, SubmissionUncertain } from './engine.js';
import type { Fleet, LiveChunk } from './fleet.js';
import { type Due, type Group, groupsOf, hasGrown, pointsOf } from './groups.js';
import { arrayOf, intentOf } from './intent.js';
import type { Nodes } from './nodes.js';
import { Room } from './room.js';
import type { GridTally } from './retry.js';
import { type GridSettings, usualMostJobs } from './settings.js';
import { usualInterval } from './pace.js';
import { unstage } from './unstage.js';

/** Weight of the latest point in the mean time of points. */
const latest = 0.05;
/** Intervals between two times that something is submitted while other jobs wait or run. */
const pause = 15;
/** Points of one array: what is written before it is submitted is in memory. */
const mostPoints = 20_000;

export interface SubmitterParts {
  readonly fleet: Fleet;
  readonly nodes: Nodes;
  readonly queue: RetryQueue<Point>;
  readonly tallyOf: (index: number) => GridTally;
  /** Number of the next chunk. */
  readonly next: number;
  readonly signal: AbortSignal;
}

/** Turns points into arrays of jobs. What is submitted is on the disk before the grid hears of it. */
export class Submitter {
  readonly #sweep: ConductParts;
  readonly #settings: GridSettings;
  readonly #parts: SubmitterParts;
  #limits: Promise<GridLimits> | undefined;
  #next: number;
  #pointSeconds: number | undefined;
  /** No point is left that has not come yet. */
  #exhausted = false;
  #submittedAt = -Infinity;
  #kept: number | undefined;
  #known: { point: Point; arrived: Arrived }[] = [];
  #wrong: { point: Point; outcome: PointOutcome }[] = [];

  constructor(sweep: ConductParts, settings: GridSettings, parts: SubmitterParts) {
    this.#sweep = sweep;
    this.#settings = settings;
    this.#parts = parts;
    this.#next = parts.next;
  }

  /** Nothing is left that could be submitted, or waits to be. */
  get allSubmitted(): boolean {
    return this.#exhausted && this.#parts.queue.waiting === 0;
  }

  /** How long a point took, in seconds, on some node. */
  noteDuration(seconds: number): void {
    if (!(seconds >= 0)) return;
    const mean = this.#pointSeconds;
    this.#pointSeconds = mean === undefined ? seconds : mean + latest * (seconds - mean);
  }

  /** Points that were not submitted, because a result of the same work was there. */
  takeKnown(): { point: Point; arrived: Arrived }[] {
    const known = this.#known;
    this.#known = [];
    return known;
  }

  /** Points that were not submitted, because their files cannot be read, or no node has what they need by now. */
  takeWrong(): { point: Point; outcome: PointOutcome }[] {
    const wrong = this.#wrong;
    this.#wrong = [];
    return wrong;
  }

  /**
   * Submits what is due, as far as there is room for it.
   *
   * @returns whether there was room for all
   * @throws GvaError GRID_REFUSED, GRID_FULL, GRID_SILENT, Error of the file system: what could not be submitted is in
   *   the queue again
   */
  async submit(now: number): Promise<boolean> {
    const { fleet, signal } = this.#parts;
    const { mostJobs = usualMostJobs } = this.#settings;
    // One thing after the other: nobody knows how long the grid takes for the next one.
    if (fleet.uncertain.length > 0) return true;
    const limits = await this.#askLimits();
    // A grid that is shared is not filled to the brim.
    const most = Math.max(1, Math.min(mostJobs, Math.floor((limits.jobs ?? Infinity) * 0.8)));
    if (!this.#isTime(now, most)) return true;
    for (;;) {
      const free = most - fleet.elements;
      if (free < 1 || signal.aborted) return free > 0;
      const bundle = this.#bundle(this.#settings.leave ? free : most);
      const room = Math.min(free, limits.elements, Math.ceil(mostPoints / bundle));
      const due = await this.#take(now, room, bundle);
      if (due.length === 0) return true;
      await this.#submitAll(groupsOf(due, bundle), now);
      this.#submittedAt = now;
      if (fleet.uncertain.length > 0) return true;
      await setImmediate();
    }
  }

  #askLimits(): Promise<GridLimits> {
    return (this.#limits ??= this.#settings.engine.limits(this.#parts.signal).catch((error: unknown) => {
      this.#limits = undefined;
      throw error;
    }));
  }

  /** A grid has better things to do than to take arrays of a few jobs again and again. */
  #isTime(now: number, most: number): boolean {
    const { elements } = this.#parts.fleet;
    const { shortest } = this.#settings.interval ?? usualInterval;
    if (elements === 0 || this.#settings.leave) return true;
    if (now - this.#submittedAt < pause * shortest) return false;
    return this.#exhausted || most - elements >= most / 10;
  }

  /** A client that is to leave keeps its first answer: by it all points fit into the jobs that there may be. */
  #bundle(elements: number): number {
    if (this.#settings.bundle !== undefined) return this.#settings.bundle;
    const { pending } = this.#sweep.store.counts;
    const facts = { points: pending, pointSeconds: this.#pointSeconds, slots: undefined };
    if (!this.#settings.leave) return bundleSize({ ...facts, elements });
    return (this.#kept ??= bundleSize({ ...facts, elements }));
  }

  async #take(now: number, room: number, bundle: number): Promise<Due[]> {
    const { queue } = this.#parts;
    const due: Due[] = [];
    const array = new Room(room, bundle);
    while (!array.isFull) {
      const next = queue.next(now);
      this.#exhausted = next?.item === undefined;
      if (next?.wait === 0) {
        await setImmediate();
        continue;
      }
      if (!next?.item) break;
      try {
        const one = await this.#prepare(next.item);
        if (!one) continue;
        if (!array.take(one.tally.blame > 0)) {
          queue.add(next.item, now);
          break;
        }
        due.push(one);
      } catch (error) {
        for (const point of [...due.map(({ point }) => point), next.item]) queue.add(point, now);
        throw error;
      }
    }
    return due;
  }

  /** Undefined where there is nothing to run. */
  async #prepare(point: Point): Promise<Due | undefined> {
    const { spec, known, identity, store } = this.#sweep;
    const id = await identity(point).catch((error: unknown) => {
      this.#wrong.push({ point, outcome: notRun(error).outcome });
    });
    if (id === undefined) return undefined;
    if (!spec.force && (await known.adopt(point.index, id)) && (await this.#adopted(point, id)))
      return undefined;
    const before = store.get(point.index);
    const again = before?.id === id;
    // What stands there is of other work, or is to be done again.
    const makesWay = before && (!again || before.state === 'failed' || spec.force);
    const tally = this.#parts.tallyOf(point.index);
    const attempt = (again ? before.attempts : 0) + 1;
    // Plainly put together: there may be 20,000 of them at a time.
    return { point, id, tally, attempt, inTheWay: makesWay ? before.id : undefined };
  }

  async #adopted(point: Point, id: string): Promise<boolean> {
    const { store, spec } = this.#sweep;
    const arrived = await readArrived(spec.out, point.index, id);
    if (!arrived) return false;
    store.stage(point.index, id);
    this.#known.push({ point, arrived });
    return true;
  }

  async #submitAll(groups: readonly Group[], now: number): Promise<void> {
    for (const [number, group] of groups.entries())
      try {
        await this.#submitGroup(group, now);
      } catch (error) {
        const refused = error instanceof GvaError && error.code === 'GRID_REFUSED' && hasGrown(group);
        if (refused) this.#refuse(group, error);
        for (const { point } of groups.slice(refused ? number + 1 : number).flatMap(pointsOf))
          this.#parts.queue.add(point, now);
        if (!refused) throw error;
        return;
      }
  }

  /** No node has as much memory as they need by now, or may take so long. */
  #refuse(group: Group, { code, message }: GvaError): void {
    const outcome = { state: 'lost', cause: code, message, status: null, times: null } as const;
    for (const { point } of pointsOf(group)) this.#wrong.push({ point, outcome });
  }

  async #submitGroup(group: Group, now: number): Promise<void> {
    const { store, spec } = this.#sweep;
    const { fleet, nodes } = this.#parts;
    const intent = intentOf(group, this.#settings, spec, nodes.excluded(now));
    await this.#clear(group);
    const number = await makeChunk(spec.out, this.#next);
    this.#next = number + 1;
    await writeChunk(spec.out, number, intent, this.#elementsOf(group, intent));
    store.together(() => {
      for (const { point, id, attempt } of pointsOf(group))
        store.put({ number: point.index, id, state: 'staged', attempts: attempt, status: null, times: null });
    });
    const points = group.elements.map((element) => element.map(({ point }) => point));
    const chunk = fleet.add({ number, intent, job: undefined }, points);
    try {
      await this.send(chunk);
    } catch (error) {
      // It has not been submitted.
      await this.#giveUp(chunk);
      throw error;
    }
  }

  /** What is in the way may be wanted another time. */
  async #clear(group: Group): Promise<void> {
    for (const { point, inTheWay } of pointsOf(group))
      if (inTheWay !== undefined) await this.#sweep.known.setAside(point.index, inTheWay);
  }

  async #giveUp(chunk: LiveChunk): Promise<void> {
    const elements = [...chunk.elements.values()];
    const points = elements.flatMap(({ open }) => [...open.keys()]);
    for (const element of elements) this.#parts.fleet.settle(element);
    const { store, spec } = this.#sweep;
    store.together(() => {
      for (const point of points) unstage(store, point);
    });
    await closeChunk(spec.out, chunk.number);
  }

  /**
   * Submits a chunk. Where the answer does not come, the array is to be looked for by its name.
   *
   * @throws GvaError, Error: it was not submitted
   */
  async send(chunk: LiveChunk): Promise<void> {
    const { engine, command } = this.#settings;
    const { out } = this.#sweep.spec;
    try {
      chunk.job = await engine.submit(arrayOf(chunk, out, command), this.#parts.signal);
    } catch (error) {
      if (!(error instanceof SubmissionUncertain)) throw error;
      chunk.misses = 0;
      chunk.missedSince = undefined;
      return;
    }
    await writeSubmitted(out, chunk.number, chunk.job);
  }

  async *#elementsOf({ elements }: Group, { resources }: ChunkIntent): AsyncGenerator<GridElement> {
    const { seconds } = resources;
    for (const element of elements) {
      const points: GridPoint[] = [];
      for (const due of element) points.push(await this.#gridPoint(due));
      yield {
        ...{ format: 'gva-grid-element/1', work: this.#settings.work, points },
        ...(seconds === undefined ? {} : { seconds }),
      };
    }
  }

  async #gridPoint({ point, id, attempt }: Due): Promise<GridPoint> {
    const files = await this.#sweep.spec.plan.files.of(point);
    return {
      index: point.index,
      attempt,
      identity: id,
      parameters: point.parameters,
      files: files.map(({ name, source, size, sha256 }) => ({ name, source, size, sha256 })),
    };
  }
}
