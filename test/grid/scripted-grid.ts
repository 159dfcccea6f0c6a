import { existsSync, readFileSync } from 'node:fs';
import { appendFile, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  type ElementEnd,
  type ElementState,
  type GridEngine,
  type GridLimits,
  type JobArray,
  type SubmittedArray,
} from '../../src/grid/engine.js';
import type { GridElement, GridPoint, GridRecord } from '../../src/model/grid.js';
import type { PointOutcome } from '../../src/model/sweep.js';
import { GvaError } from '../../src/system/errors.js';
import { gridFiles, pointFolder } from '../../src/system/paths.js';

type Body = GridRecord extends infer R ? (R extends GridRecord ? Omit<R, 'at'> : never) : never;

const moments = { staged: 0.1, booted: 0.2, ready: 0.2, scriptsStarted: 0.3 };
const times = { ...moments, scriptsEnded: 0.4, poweredOff: 0.5, collected: 0.6 };

/** One job, as a test plays its worker and its node. */
export class ScriptedJob {
  /** As the grid tells it; undefined: it does not speak of it. */
  state: Omit<ElementState, 'array' | 'element'> | undefined = { state: 'pending', word: 'PENDING' };
  /** What its accounting remembers. */
  remembered: Omit<ElementState, 'array' | 'element'> | undefined;
  begun = false;
  readonly array: JobArray;
  readonly job: string;
  readonly number: number;

  constructor(array: JobArray, job: string, number: number) {
    this.array = array;
    this.job = job;
    this.number = number;
  }

  get chunk(): string {
    return this.array.command.at(-1)!;
  }

  get sweep(): string {
    return dirname(dirname(dirname(this.chunk)));
  }

  get element(): GridElement {
    return JSON.parse(readFileSync(join(this.chunk, gridFiles.element(this.number)), 'utf8')) as GridElement;
  }

  get points(): readonly GridPoint[] {
    return this.element.points;
  }

  get indices(): number[] {
    return this.points.map(({ index }) => index);
  }

  get name(): string {
    return `${this.job}_${this.number}`;
  }

  get recordFile(): string {
    return join(this.chunk, gridFiles.record(gridFiles.element(this.number), this.name));
  }

  async write(...bodies: Body[]): Promise<void> {
    const lines = bodies.map((body) => `${JSON.stringify({ at: new Date().toISOString(), ...body })}\n`);
    await appendFile(this.recordFile, lines.join(''));
  }

  /** A worker begins on that node. */
  async begin(node = 'n1'): Promise<void> {
    this.begun = true;
    this.state = { state: 'running', word: 'RUNNING', node };
    await this.write(
      { record: 'began', job: this.name, node, pid: 7, restarts: 0 },
      { record: 'staged', bytes: 0, seconds: 0 },
    );
  }

  isCancelled(point: number): boolean {
    return existsSync(join(this.chunk, gridFiles.cancelled(point)));
  }

  /** Publishes a result, as it is in the folder of a point. */
  async publish({ index, identity }: GridPoint, state: 'done' | 'failed' = 'done', note = this.name) {
    const folder = pointFolder(this.sweep, index);
    const part = `${folder}.part`;
    await mkdir(part, { recursive: true });
    const scripts = [{ name: 'a', status: state === 'done' ? 0 : 1, seconds: 1 }];
    const cause = state === 'done' ? {} : { cause: 'script-status', message: 'the script failed' };
    const result = { format: 'gva-result/1', identity, state, scripts, times, note, ...cause };
    await writeFile(join(part, 'result.json'), JSON.stringify(result));
    await rm(folder, { recursive: true, force: true });
    await rename(part, folder);
  }

  async beganPoint({ index }: GridPoint): Promise<void> {
    await this.write({ record: 'point-began', point: index });
  }

  async endedPoint({ index }: GridPoint, outcome: Partial<PointOutcome> = {}, published = true) {
    const whole = { state: 'done', status: 0, times, ...outcome } as const;
    await this.write({ record: 'point-ended', point: index, outcome: whole, scratchBytes: 1, published });
  }

  /** As a worker does with a point that ends well, or whose application fails. */
  async run(point: GridPoint, state: 'done' | 'failed' = 'done'): Promise<void> {
    if (this.isCancelled(point.index)) {
      await this.write({ record: 'point-skipped', point: point.index });
      return;
    }
    const there = join(pointFolder(this.sweep, point.index), 'result.json');
    if (existsSync(there) && readFileSync(there, 'utf8').includes(point.identity)) {
      await this.write({ record: 'point-known', point: point.index });
      return;
    }
    await this.beganPoint(point);
    await this.publish(point, state);
    await this.endedPoint(point, { state, status: state === 'done' ? 0 : 1 });
  }

  /** The grid says how it ended. */
  end(end: ElementEnd, word = end.toUpperCase(), reason?: string): void {
    const node = this.state?.node;
    this.state = {
      ...{ state: 'ended', end, word },
      ...(node === undefined ? {} : { node }),
      ...(reason === undefined ? {} : { reason }),
    };
  }

  /** The worker comes to the end of its work. */
  async finish(): Promise<void> {
    await this.write({ record: 'ended' });
    this.end('completed');
  }

  /** From the beginning to a good end. */
  async complete(node = 'n1'): Promise<void> {
    await this.begin(node);
    for (const point of this.points) await this.run(point);
    await this.finish();
  }
}

/** What becomes of a job when the grid begins it; called once. */
export type Script = (job: ScriptedJob) => Promise<void> | void;

/** A grid in memory, whose nodes are played by a test. */
export class ScriptedGrid implements GridEngine {
  readonly name = 'scripted';
  readonly jobs: ScriptedJob[] = [];
  readonly cancelled: string[] = [];
  readonly submitted: JobArray[] = [];
  /** Called at each of the grid's methods; what it throws is the grid's answer. */
  before: (what: 'limits' | 'submit' | 'find' | 'poll' | 'recall' | 'cancel') => void = () => undefined;
  /** After an array has come to the grid; what it throws is the answer to the client. */
  afterSubmit: (array: JobArray, job: string) => void = () => undefined;
  polls = 0;
  /** What the next array is called. */
  nextNumber = 100;
  /** Of the array that is being submitted. */
  excludes: readonly string[] = [];
  known: GridLimits = { elements: 1000, jobs: undefined };
  /** Jobs that begin with each look, at most. */
  slots = Infinity;
  readonly #script: Script;

  constructor(script: Script = (job) => job.complete()) {
    this.#script = script;
  }

  limits(): Promise<GridLimits> {
    return this.#asked('limits', () => this.known);
  }

  describe(array: JobArray): string {
    return `submit ${array.name}`;
  }

  async submit(array: JobArray): Promise<string> {
    this.excludes = array.exclude;
    await this.#asked('submit', () => undefined);
    const job = String(this.nextNumber++);
    this.submitted.push(array);
    for (let number = 0; number < array.elements; number++)
      this.jobs.push(new ScriptedJob(array, job, number));
    this.afterSubmit(array, job);
    return job;
  }

  find(name: string): Promise<readonly string[]> {
    const known = this.jobs.filter(({ array, state }) => array.name === name && state !== undefined);
    return this.#asked('find', () => [...new Set(known.map(({ job }) => job))]);
  }

  async poll(arrays: readonly SubmittedArray[]): Promise<readonly ElementState[]> {
    await this.#asked('poll', () => this.polls++);
    let free = this.slots;
    for (const job of this.jobs)
      if (!job.begun && job.state?.state === 'pending' && free-- > 0) {
        job.begun = true;
        await this.#script(job);
      }
    return this.#of(arrays, ({ state }) => state);
  }

  recall(arrays: readonly SubmittedArray[]): Promise<readonly ElementState[]> {
    return this.#asked('recall', () => this.#of(arrays, ({ remembered }) => remembered));
  }

  async cancel({ job, name }: SubmittedArray, elements: readonly number[] | undefined): Promise<void> {
    await this.#asked('cancel', () => undefined);
    for (const one of this.jobs) {
      if (one.job !== job || one.array.name !== name || !(elements?.includes(one.number) ?? true)) continue;
      this.cancelled.push(one.name);
      if (one.state && one.state.state !== 'ended') one.end('cancelled');
    }
  }

  #of(arrays: readonly SubmittedArray[], which: (job: ScriptedJob) => ScriptedJob['state']): ElementState[] {
    return this.jobs.flatMap((one) => {
      const { name } = one.array;
      const state = which(one);
      const asked = arrays.some((array) => array.job === one.job && array.name === name);
      return state && asked ? [{ array: name, element: one.number, ...state }] : [];
    });
  }

  async #asked<T>(what: Parameters<ScriptedGrid['before']>[0], answer: () => T): Promise<T> {
    await Promise.resolve();
    this.before(what);
    return answer();
  }
}

export const silent = () => new GvaError('GRID_SILENT', 'squeue: it does not answer');
