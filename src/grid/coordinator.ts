import type { GridRecord } from '../model/grid.js';
import type { Point, PointOutcome } from '../model/sweep.js';
import type { SweepRequest } from '../model/sweep-status.js';
import type { ConductParts, Conductor, EndSignals } from '../sweep/conductor.js';
import { RetryQueue } from '../sweep/schedule/retry-queue.js';
import { type Searching, searching } from '../sweep/schedule/run-order.js';
import { orderOf } from '../sweep/turns.js';
import { ExitCode, GvaError } from '../system/errors.js';
import { Arrivals } from './arrivals.js';
import { closeChunk } from './chunks.js';
import { classify, rules } from './classify.js';
import type { ElementState } from './engine.js';
import { Fleet, type LiveChunk, type LiveElement, note } from './fleet.js';
import { Pace } from './pace.js';
import { PointEnds } from './point-ends.js';
import { recoverChunks } from './recover.js';
import { type GridSettings, unfitNodes } from './settings.js';
import { Submitter } from './submitter.js';

/** Seconds. */
const patience = {
  /** Between a worker's word that a point has ended and its result being seen. */
  result: 60,
  /** Between an element's end and its worker's last word, or the grid's reason, being seen. */
  record: 10,
  /** Between two submissions to a grid, or a file system, that was full. */
  full: 60,
} as const;

/** Good answers of the grid in a row without a word of an element, after which it is taken for gone. */
const goneAfter = 2;

type Seen = ReadonlyMap<LiveElement, ElementState>;

/**
 * Has the points of a sweep run by a grid: submits arrays of jobs, listens to what workers write down, and asks the grid
 * once per look how all jobs stand. Result files are the truth; what the grid says explains only why there is none.
 */
export class GridCoordinator implements Conductor {
  trouble: GvaError | undefined;
  paused: string | undefined;
  readonly #parts: ConductParts;
  readonly #signals: EndSignals;
  readonly #settings: GridSettings;
  readonly #fleet: Fleet;
  readonly #arrivals: Arrivals;
  readonly #queue: RetryQueue<Point>;
  readonly #ends: PointEnds;
  readonly #submitter: Submitter;
  readonly #pace: Pace;
  readonly #start = performance.now();
  /** Node to the reason why it cannot run instances. */
  readonly #unfit = new Map<string, string>();
  readonly #asked: SweepRequest[] = [];
  #cancelled: string | undefined;
  #silent = false;
  #endsSent = false;
  #waitUntil = 0;

  private constructor(
    parts: ConductParts,
    settings: GridSettings,
    signals: EndSignals,
    submitted: { fleet: Fleet; next: number },
  ) {
    const { spec } = parts;
    this.#parts = parts;
    this.#signals = signals;
    this.#settings = settings;
    this.#fleet = submitted.fleet;
    this.#arrivals = new Arrivals(spec.out, settings.patience ?? patience.result);
    this.#queue = new RetryQueue(this.#toRun());
    this.#ends = new PointEnds(parts, this.#queue, { ...spec.retry, growth: settings.growth });
    this.#pace = new Pace(settings.interval);
    this.#submitter = new Submitter(parts, settings, submitted, signals.abort);
  }

  /** Takes over what an earlier client had submitted. @throws GvaError GRID_UNREADABLE */
  static async start(
    parts: ConductParts,
    settings: GridSettings,
    signals: EndSignals,
  ): Promise<GridCoordinator> {
    const fleet = new Fleet(parts.spec.out);
    const next = await recoverChunks(parts, fleet);
    return new GridCoordinator(parts, settings, signals, { fleet, next });
  }

  get now(): number {
    return (performance.now() - this.#start) / 1000;
  }

  get stopped(): string | undefined {
    return this.#cancelled ?? this.#ends.stopped;
  }

  get cancelled(): boolean {
    return this.#cancelled !== undefined;
  }

  get retrying(): boolean {
    return this.#queue.waiting > 0 || this.#asked.some(({ request }) => request === 'retry');
  }

  get running(): number {
    return this.#ends.running;
  }

  /** How many of them run at once is the grid's affair. */
  get parallel(): number {
    return Math.max(1, this.#fleet.elements);
  }

  /** Runs until all has ended, or somebody ends this client: then the jobs go on. */
  async run(): Promise<void> {
    const { abort, finish } = this.#signals;
    try {
      for (;;) {
        await this.#hearRequests();
        await this.#listen();
        await this.#judge(await this.#look());
        await this.#submit();
        if (finish.aborted || this.#isOver()) return;
        await this.#pace.wait(finish);
      }
    } catch (error) {
      if (!abort.aborted) throw error;
    }
  }

  tick(): Promise<void> {
    return Promise.resolve();
  }

  take(request: SweepRequest): void {
    this.#asked.push(request);
    this.#pace.hurry();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  #isOver(): boolean {
    const ending = this.stopped !== undefined || this.trouble !== undefined;
    if (this.#fleet.elements > 0 || this.#arrivals.size > 0)
      return this.#settings.leave && !ending && this.#submitter.allSubmitted;
    return ending || this.#submitter.allSubmitted;
  }

  async #hearRequests(): Promise<void> {
    for (const request of this.#asked.splice(0)) {
      if (request.request === 'retry') this.#retry(request.points);
      else if (request.points === 'all') this.#cancelled ??= 'it was cancelled';
      else await this.#cancelPoints(new Set(request.points as number[]));
    }
    const ending = this.stopped !== undefined || this.trouble !== undefined;
    if (!ending || this.#endsSent) return;
    this.#endsSent = await this.#answered(() => this.#submitter.cancelAll());
  }

  async #cancelPoints(points: ReadonlySet<number>): Promise<void> {
    this.#queue.remove(({ index }) => points.has(index));
    await this.#answered(() => this.#submitter.cancelPoints(points));
    for (const index of points) {
      const element = this.#fleet.of(index);
      const point = element?.open.get(index);
      // Where it runs, its end will be seen.
      if (!point || element?.begun.has(index)) continue;
      this.#fleet.close(index);
      this.#ends.cancelled(this.now, point);
    }
  }

  /** @returns whether the grid has answered; what it says otherwise is shown */
  async #answered(ask: () => Promise<void>): Promise<boolean> {
    try {
      await ask();
      this.#pace.answered();
      if (this.#silent) this.#resume();
      this.#silent = false;
      return true;
    } catch (error) {
      if (this.#signals.abort.aborted || !(error instanceof GvaError)) throw error;
      this.#pace.silent();
      this.#silent = true;
      this.#pause(`the grid does not answer: ${error.message}`);
      return false;
    }
  }

  /** What workers have written down since the last time, and what results have come. */
  async #listen(): Promise<void> {
    const began: Point[] = [];
    for (const chunk of [...this.#fleet.chunks.values()])
      for await (const { element, record } of chunk.reader.news()) {
        this.#pace.hurry();
        const live = chunk.elements.get(element);
        if (!live) continue;
        note(live, record);
        this.#hear(live, record, began);
      }
    this.#ends.began(this.now, began);
    const { store } = this.#parts;
    const { here, missing } = await this.#arrivals.look(this.now, (index) => store.get(index)?.id);
    const results = here.flatMap((arrived) => {
      const point = this.#closed(arrived.point);
      return point ? [{ point, arrived }] : [];
    });
    await this.#ends.arrived(this.now, results);
    const failure = { kind: 'vanished', begun: true, message: 'its result has not appeared' } as const;
    for (const index of missing) {
      const point = this.#closed(index);
      if (point) this.#ends.failed(this.now, point, failure);
    }
  }

  #hear(live: LiveElement, record: GridRecord, began: Point[]): void {
    if (!('point' in record)) return;
    const point = live.open.get(record.point);
    // Of a point that has come to its end elsewhere, or that the plan has no more, nothing is wanted.
    if (!point) return;
    const { index } = point;
    if (record.record === 'point-began') {
      live.begun.set(index, Date.parse(record.at));
      began.push(point);
      return;
    }
    const since = live.begun.get(index);
    if (since !== undefined) this.#submitter.noteDuration((Date.parse(record.at) - since) / 1000);
    if (record.record === 'point-known') this.#arrivals.expect(index, 'any', this.now);
    else this.#hearEnd(point, record.outcome);
  }

  #hearEnd(point: Point, outcome: PointOutcome): void {
    const { state } = outcome;
    if (state === 'done' || (state === 'failed' && outcome.times !== null))
      this.#arrivals.expect(point.index, state, this.now);
    else if (state === 'failed') this.#endWrong(point, outcome);
    // A worker that was told to end publishes nothing; why it was told is for the grid to say.
    if (outcome.state !== 'lost') return;
    this.#fleet.close(point.index);
    this.#ends.lost(this.now, point, outcome);
  }

  /** It was not run at all: what it was given is wrong. */
  #endWrong(point: Point, outcome: PointOutcome): void {
    this.#fleet.close(point.index);
    this.#ends.wrong(this.now, point, outcome);
  }

  #closed(index: number): Point | undefined {
    const point = this.#fleet.of(index)?.open.get(index);
    this.#fleet.close(index);
    return point;
  }

  /** Asks the grid; where it does not answer, nothing is known and nothing changes. */
  async #look(): Promise<Seen | undefined> {
    if (this.#fleet.elements === 0) return undefined;
    const answer: { seen?: Seen } = {};
    await this.#answered(async () => {
      await this.#submitter.findUncertain();
      const jobs = new Map<string, LiveChunk>();
      for (const chunk of this.#fleet.chunks.values())
        if (chunk.job !== undefined) jobs.set(chunk.job, chunk);
      if (jobs.size === 0) return;
      answer.seen = match(await this.#settings.engine.poll([...jobs.keys()], this.#signals.abort), jobs);
    });
    return answer.seen;
  }

  /** Settles the elements that are over. @param seen undefined where the grid was not asked, or did not answer */
  async #judge(seen: Seen | undefined): Promise<void> {
    for (const chunk of [...this.#fleet.chunks.values()])
      for (const element of [...chunk.elements.values()]) {
        const state = seen?.get(element);
        if (!isOver(element, state)) continue;
        element.overSince ??= this.now;
        const awaited = [...element.open.values()].filter(({ index }) => !this.#arrivals.has(index));
        const early = this.now - element.overSince < (this.#settings.patience ?? patience.record);
        if (awaited.length < element.open.size || (awaited.length > 0 && early)) continue;
        await this.#settle(element, state, awaited);
      }
  }

  async #settle(
    element: LiveElement,
    state: ElementState | undefined,
    points: readonly Point[],
  ): Promise<void> {
    const { chunk, worker, node = state?.node } = element;
    const begun = new Set(element.begun.keys());
    if (this.#fleet.settle(element)) await closeChunk(this.#parts.spec.out, chunk.number);
    if (points.length === 0) return;
    this.#pace.hurry();
    const kind = this.#endsSent ? 'cancelled' : classify(worker, state);
    const rule = rules[kind];
    if (rule.avoidNode && node !== undefined) this.#avoid(node, worker.trouble?.message ?? rule.told);
    if (rule.then === 'wait') this.#pause(rule.told, patience.full);
    const said = worker.trouble ? `: ${worker.trouble.message}` : state ? ` (${state.word})` : '';
    for (const point of points) {
      const failure = { kind, begun: begun.has(point.index), message: `${rule.told}${said}` };
      if (this.#endsSent && !failure.begun) this.#ends.putBack(point);
      else this.#ends.failed(this.now, point, failure);
    }
  }

  /** So many nodes that cannot run instances for the same reason: no other node will. */
  #avoid(node: string, reason: string): void {
    this.#unfit.set(node, reason);
    this.#submitter.avoid(node);
    const alike = [...this.#unfit.values()].filter((one) => one === reason).length;
    if (alike < unfitNodes) return;
    this.trouble ??= new GvaError('SWEEP_STOPPED', `${alike} nodes cannot run instances: ${reason}`, {
      exitCode: ExitCode.infrastructure,
      hint: 'What is done is kept: the same command goes on from there.',
    });
  }

  async #submit(): Promise<void> {
    const { finish, abort } = this.#signals;
    if (finish.aborted || abort.aborted || this.stopped !== undefined || this.trouble) return;
    if (this.now < this.#waitUntil || this.#silent) return;
    this.#resume();
    try {
      await this.#submitter.submit(this.#queue, this.now, this.#ends);
    } catch (error) {
      if (this.#signals.abort.aborted || !(error instanceof GvaError)) throw error;
      if (error.code === 'GRID_FULL' || error.code === 'GRID_SILENT')
        this.#pause(error.message, patience.full);
      else this.trouble = error;
    }
    await this.#ends.arrived(this.now, this.#submitter.takeKnown());
    for (const { point, outcome } of this.#submitter.takeWrong()) this.#ends.wrong(this.now, point, outcome);
  }

  #pause(reason: string, seconds = 0): void {
    if (seconds > 0) this.#waitUntil = this.now + (this.#settings.patience ?? seconds);
    if (this.paused === reason) return;
    this.paused = reason;
    this.#parts.onEvent({ event: 'paused', reason });
  }

  #resume(): void {
    if (this.paused === undefined) return;
    this.paused = undefined;
    this.#parts.onEvent({ event: 'resumed' });
  }

  #retry(which: readonly number[] | 'failed' | 'lost'): void {
    const { store, spec } = this.#parts;
    const wanted = typeof which === 'string' ? undefined : new Set(which);
    const states = wanted ? (['failed', 'lost', 'cancelled'] as const) : [which as 'failed' | 'lost'];
    for (const { number } of [...store.records(...states)]) {
      if (!(wanted?.has(number) ?? true) || this.#fleet.of(number)) continue;
      const [point] = spec.plan.points.points(number);
      this.#queue.remove(({ index }) => index === number);
      if (point) this.#queue.add(point, this.now);
    }
  }

  *#toRun(): Generator<Point | Searching> {
    for (const point of orderOf(this.#parts).points())
      if (point === searching || !this.#fleet.of(point.index)) yield point;
  }
}

/** What the grid says of each element that is expected; of those of which it says nothing, that is noted. */
function match(states: readonly ElementState[], jobs: ReadonlyMap<string, LiveChunk>): Seen {
  const seen = new Map<LiveElement, ElementState>();
  for (const state of states) {
    const element = jobs.get(state.job)?.elements.get(state.element);
    if (element) seen.set(element, state);
  }
  for (const chunk of jobs.values())
    for (const element of chunk.elements.values())
      element.silent = seen.has(element) ? 0 : element.silent + 1;
  return seen;
}

/** Nothing more will come of the element by itself. */
function isOver({ worker, open, silent }: LiveElement, state: ElementState | undefined): boolean {
  if (open.size === 0 && (worker.ended || !worker.began)) return true;
  return state?.state === 'ended' || silent >= goneAfter;
}
