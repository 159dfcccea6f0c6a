import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { GridElement, GridPoint } from '../model/grid.js';
import type { Point, PointOutcome } from '../model/sweep.js';
import type { ConductParts } from '../sweep/conductor.js';
import { notRun } from '../sweep/run-point.js';
import type { RetryQueue } from '../sweep/schedule/retry-queue.js';
import { GvaError } from '../system/errors.js';
import { gridChunk, gridFiles } from '../system/paths.js';
import { type Arrived, readArrived } from './arrivals.js';
import { bundleSize } from './bundle.js';
import { type ChunkIntent, closeChunk, writeChunk, writeSubmitted } from './chunks.js';
import type { GridLimits, JobArray } from './engine.js';
import type { Fleet, LiveChunk } from './fleet.js';
import type { PointEnds } from './point-ends.js';
import { jobResources } from './resources.js';
import { Room } from './room.js';
import type { GridTally } from './retry.js';
import { type GridSettings, mostElements } from './settings.js';

/** A point that is to be submitted, with the identity of its work. */
interface Due {
  readonly point: Point;
  readonly id: string;
  readonly tally: GridTally;
}

/** Times that an uncertain array is looked for in vain before it is submitted again. */
const mostMisses = 3;
/** Weight of the latest point in the mean time of points. */
const latest = 0.05;

/** Turns points into arrays of jobs. What is submitted is on the disk before the grid hears of it. */
export class Submitter {
  /** Nothing is left that could be submitted, or waits to be. */
  allSubmitted = false;
  readonly #parts: ConductParts;
  readonly #settings: GridSettings;
  readonly #fleet: Fleet;
  readonly #signal: AbortSignal;
  readonly #exclude = new Set<string>();
  #limits: Promise<GridLimits> | undefined;
  #next: number;
  #pointSeconds: number | undefined;
  #kept: number | undefined;
  #known: { point: Point; arrived: Arrived }[] = [];
  #wrong: { point: Point; outcome: PointOutcome }[] = [];

  /** @param next number of the next chunk */
  constructor(
    parts: ConductParts,
    settings: GridSettings,
    { fleet, next }: { fleet: Fleet; next: number },
    signal: AbortSignal,
  ) {
    this.#parts = parts;
    this.#settings = settings;
    this.#fleet = fleet;
    this.#next = next;
    this.#signal = signal;
  }

  /** A node that is not to get any more of this sweep. */
  avoid(node: string): void {
    this.#exclude.add(node);
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

  /** Points that were not submitted, because their files cannot be read. */
  takeWrong(): { point: Point; outcome: PointOutcome }[] {
    const wrong = this.#wrong;
    this.#wrong = [];
    return wrong;
  }

  /** @throws GvaError GRID_REFUSED, GRID_FULL, GRID_SILENT: what could not be submitted is in the queue again */
  async submit(queue: RetryQueue<Point>, now: number, ends: PointEnds): Promise<void> {
    this.#limits ??= this.#settings.engine.limits(this.#signal);
    const limits = await this.#limits.catch((error: unknown) => {
      this.#limits = undefined;
      throw error;
    });
    // A grid that is shared is not filled to the brim.
    const most = Math.min(mostElements, Math.floor((limits.jobs ?? Infinity) * 0.8));
    for (;;) {
      const room = Math.min(most - this.#fleet.elements, limits.elements);
      if (room < 1 || this.#signal.aborted) return;
      const bundle = this.#bundle(most);
      const due = await this.#take(queue, now, { room, bundle, ends });
      for (const group of groupsOf(due, bundle)) await this.#submitGroup(group, queue, now);
      if (due.length === 0) return;
      await setImmediate();
    }
  }

  /** A client that is to leave keeps its first answer: by it all points fit into the jobs that there may be. */
  #bundle(elements: number): number {
    if (this.#settings.bundle !== undefined) return this.#settings.bundle;
    const { pending } = this.#parts.store.counts;
    const facts = { points: pending, pointSeconds: this.#pointSeconds, slots: undefined };
    if (!this.#settings.leave) return bundleSize({ ...facts, elements });
    // That nothing is left shows only where there is room for one more.
    return (this.#kept ??= bundleSize({ ...facts, elements: elements - 1 }));
  }

  async #take(
    queue: RetryQueue<Point>,
    now: number,
    { room, bundle, ends }: { room: number; bundle: number; ends: PointEnds },
  ): Promise<Due[]> {
    const { spec, known, identity } = this.#parts;
    const due: Due[] = [];
    const array = new Room(room, bundle);
    while (!array.isFull) {
      const next = queue.next(now);
      this.allSubmitted = next === undefined;
      if (next?.wait === 0) {
        await setImmediate();
        continue;
      }
      if (!next?.item) break;
      const point = next.item;
      const id = await identity(point).catch((error: unknown) => {
        this.#wrong.push({ point, outcome: notRun(error).outcome });
      });
      if (id === undefined) continue;
      if (!spec.force && (await known.adopt(point.index, id)) && (await this.#adopted(point, id))) continue;
      const tally = ends.tallyOf(point.index);
      if (!array.take(tally.blame > 0)) {
        queue.add(point, now);
        break;
      }
      due.push({ point, id, tally });
    }
    return due;
  }

  async #adopted(point: Point, id: string): Promise<boolean> {
    const { store, spec } = this.#parts;
    const arrived = await readArrived(spec.out, point.index, id);
    if (!arrived) return false;
    store.stage(point.index, id);
    this.#known.push({ point, arrived });
    return true;
  }

  async #submitGroup(group: Group, queue: RetryQueue<Point>, now: number): Promise<void> {
    const { store, spec, known } = this.#parts;
    const number = this.#next++;
    const intent = this.#intentOf(group);
    for (const { point, id } of group.elements.flat()) {
      const before = store.get(point.index);
      // Of other work, what stands there may be wanted again; a worker would take a failure of this work for its end.
      if (before && (before.id !== id || before.state === 'failed'))
        await known.setAside(point.index, before.id);
    }
    await writeChunk(spec.out, number, intent, await this.#elementsOf(group, intent));
    store.together(() => {
      for (const { point, id } of group.elements.flat()) store.stage(point.index, id);
    });
    const points = group.elements.map((element) => element.map(({ point }) => point));
    const chunk = this.#fleet.add({ number, intent, job: undefined }, points);
    try {
      await this.#send(chunk);
    } catch (error) {
      // With any other error it has not been submitted.
      await this.#giveUp(chunk);
      for (const point of points.flat()) queue.add(point, now);
      this.allSubmitted = false;
      throw error;
    }
  }

  async #giveUp(chunk: LiveChunk): Promise<void> {
    const points = [...chunk.elements.values()].flatMap(({ open }) => [...open.keys()]);
    for (const element of [...chunk.elements.values()]) this.#fleet.settle(element);
    const { store, spec } = this.#parts;
    store.together(() => {
      for (const point of points) store.forget(point);
    });
    await closeChunk(spec.out, chunk.number);
  }

  /** Where the answer does not come, the array is looked for by its name. */
  async #send(chunk: LiveChunk): Promise<void> {
    const { engine } = this.#settings;
    try {
      chunk.job = await engine.submit(this.#arrayOf(chunk), this.#signal);
    } catch (error) {
      if (error instanceof GvaError && error.code !== 'GRID_UNCERTAIN') throw error;
      chunk.misses = 0;
      return;
    }
    await writeSubmitted(this.#parts.spec.out, chunk.number, chunk.job);
  }

  /** @throws GvaError GRID_SILENT */
  async findUncertain(): Promise<void> {
    const { engine } = this.#settings;
    for (const chunk of this.#fleet.chunks.values()) {
      if (chunk.job !== undefined) continue;
      const [job, ...more] = await engine.find(chunk.intent.name, this.#signal);
      if (job !== undefined) {
        chunk.job = job;
        await writeSubmitted(this.#parts.spec.out, chunk.number, job);
        for (const again of more) await engine.cancel(again, undefined, this.#signal);
      } else if (++chunk.misses >= mostMisses && ![...chunk.elements.values()].some(hasBegun))
        await this.#send(chunk);
    }
  }

  /** Ends all that waits or runs. */
  async cancelAll(): Promise<void> {
    const { engine } = this.#settings;
    for (const { job } of this.#fleet.chunks.values())
      if (job !== undefined) await engine.cancel(job, undefined, this.#signal);
  }

  /** Ends the elements that have begun one of the points, and keeps workers from beginning the others. */
  async cancelPoints(points: ReadonlySet<number>): Promise<void> {
    const { engine } = this.#settings;
    for (const index of points) {
      const element = this.#fleet.of(index);
      if (!element) continue;
      const { chunk, number, begun } = element;
      const folder = gridChunk(this.#parts.spec.out, chunk.number);
      await writeFile(join(folder, gridFiles.cancelled(index)), '');
      if (chunk.job !== undefined && begun.has(index)) await engine.cancel(chunk.job, [number], this.#signal);
    }
  }

  #intentOf({ elements, growth }: Group): ChunkIntent {
    const { settings, spec } = { settings: this.#settings, spec: this.#parts.spec };
    const bundle = Math.max(...elements.map(({ length }) => length));
    const { seconds, ...resources } = jobResources({
      ...{ hardware: spec.prepared.appliance.hardware, time: settings.time },
      ...{ pointTime: spec.limits.total, bundle, growth },
    });
    return {
      format: 'gva-grid-array/1',
      name: `gva-${settings.name}-${randomBytes(4).toString('hex')}`,
      points: elements.map((element) => element.map(({ point }) => point.index)),
      resources: { ...resources, ...(seconds === undefined ? {} : { seconds }) },
      ...(settings.atOnce === undefined ? {} : { atOnce: settings.atOnce }),
      exclude: [...this.#exclude],
      options: settings.options as ChunkIntent['options'],
      at: new Date().toISOString(),
    };
  }

  #arrayOf({ number, intent }: LiveChunk): JobArray {
    const folder = gridChunk(this.#parts.spec.out, number);
    const { name, points, resources, exclude, atOnce } = intent;
    return {
      ...{ name, elements: points.length, exclude, options: intent.options },
      command: this.#settings.command(folder),
      logs: join(folder, gridFiles.logs),
      resources: { ...resources, seconds: resources.seconds },
      ...(atOnce === undefined ? {} : { atOnce }),
    };
  }

  async #elementsOf({ elements }: Group, { resources }: ChunkIntent): Promise<GridElement[]> {
    const { seconds } = resources;
    const made: GridElement[] = [];
    for (const element of elements)
      made.push({
        format: 'gva-grid-element/1',
        work: this.#settings.work,
        ...(seconds === undefined ? {} : { seconds }),
        points: await Promise.all(element.map((due) => this.#gridPoint(due))),
      });
    return made;
  }

  async #gridPoint({ point, id }: Due): Promise<GridPoint> {
    const { spec, store } = this.#parts;
    const before = store.get(point.index);
    const files = await spec.plan.files.of(point);
    return {
      ...{ index: point.index, identity: id, parameters: point.parameters },
      attempt: (before?.id === id ? before.attempts : 0) + 1,
      files: files.map(({ name, source, size, sha256 }) => ({ name, source, size, sha256 })),
    };
  }
}

const hasBegun = ({ worker }: { worker: { began: boolean } }) => worker.began;

/** Elements that are given the same resources. */
interface Group {
  readonly elements: readonly (readonly Due[])[];
  readonly growth: GridTally['growth'];
}

/** Points that may have ended their jobs get one of their own. */
export function groupsOf(due: readonly Due[], bundle: number): Group[] {
  const groups = new Map<
    string,
    { elements: Due[][]; open: Due[] | undefined; growth: GridTally['growth'] }
  >();
  for (const one of due) {
    const { blame, growth } = one.tally;
    const key = `${growth.memory} ${growth.time}`;
    const group = groups.get(key) ?? { elements: [], open: undefined, growth };
    groups.set(key, group);
    if (blame > 0) group.elements.push([one]);
    else if (group.open && group.open.length < bundle) group.open.push(one);
    else group.elements.push((group.open = [one]));
  }
  return [...groups.values()];
}
