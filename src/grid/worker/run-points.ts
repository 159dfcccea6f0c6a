import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { PreparedAppliance } from '../../instance/prepare.js';
import { runInstance } from '../../instance/run.js';
import type { Scratch } from '../../instance/scratch.js';
import { type StartWish, worthTemplate } from '../../instance/start.js';
import { Templates } from '../../instance/template/templates.js';
import type { InstanceResult } from '../../model/result.js';
import type { PointOutcome } from '../../model/sweep.js';
import { outcomeOf } from '../../sweep/done-points.js';
import { notRun } from '../../sweep/run-point.js';
import { GvaError, messageOf } from '../../system/errors.js';
import { ensureFolder } from '../../system/files.js';
import { gridFiles, keptResults, pointFolder, scratchFolder, workerResults } from '../../system/paths.js';
import type { ChosenVmm } from '../../vmm/choose.js';
import { UnchangedFiles } from './input-files.js';
import { leaveSignal } from './leave.js';
import { type Patience, persistently } from './persistently.js';
import { clear, isOf, lookAt } from './place.js';
import { PointCheckpoints } from './point-checkpoints.js';
import { keepLost, publish } from './publish.js';
import type { RecordFile } from './record.js';
import type { CheckedPoint } from './schema.js';
import type { WorkerSpec } from './spec.js';
import { TimeLeft } from './time-left.js';
import { Trouble, sharedFolderTrouble } from './trouble.js';

export interface PointsParts {
  readonly spec: WorkerSpec;
  readonly prepared: PreparedAppliance;
  readonly vmm: ChosenVmm;
  readonly record: RecordFile;
  /** Of the worker: instances have their own in it, results wait in it. */
  readonly scratch: Scratch;
  readonly job: string;
  /** Times that the grid has begun this job anew. */
  readonly restarts: number;
  readonly patience: Patience;
}

/** Points in a row whose instances could not be run at all, before the node is given up. */
const mostTroubles = 3;

/** What runs was ended, because the job's time is nearly over. */
const timeIsOver = new Error("the job's time is nearly over");

/** Runs the points of an element, one after the other, and records each. */
export class PointsRunner {
  readonly #parts: PointsParts;
  readonly #files: UnchangedFiles;
  readonly #time: TimeLeft;
  readonly #start: StartWish;
  /** What runs is to be ended. */
  readonly #leave: AbortSignal;
  readonly #checkpoints: PointCheckpoints | undefined;
  #troubles = 0;
  /** When the last point was begun; by a clock that never jumps. */
  #began = 0;
  #removal: Promise<void> = Promise.resolve();

  constructor(parts: PointsParts) {
    this.#parts = parts;
    this.#files = new UnchangedFiles(parts.patience);
    this.#time = new TimeLeft(parts.spec.element.seconds);
    const { element, work, sweep } = parts.spec;
    const make = element.points.length >= worthTemplate ? 'unless-busy' : 'never';
    this.#start = { choice: work.start, make, templates: new Templates(parts.patience.log) };
    const { signal } = parts.patience;
    const { checkpointEvery: every, appliance } = work;
    this.#leave =
      every === undefined ? signal : leaveSignal(signal, element.seconds, appliance.hardware.memory);
    const { job, restarts } = parts;
    const saving = { sweep, job, restarts, leave: this.#leave, patience: parts.patience };
    this.#checkpoints = every === undefined ? undefined : new PointCheckpoints({ ...saving, every });
  }

  /**
   * @returns whether all points have an end; else the job's time is nearly over
   * @throws Trouble where there is no use in going on; the signal's reason
   */
  async run(): Promise<boolean> {
    try {
      for (const point of this.#parts.spec.element.points) {
        this.#throwIfLeft();
        if (!this.#time.isEnough) return false;
        const start = performance.now();
        if (await this.#runPoint(point)) this.#time.note((performance.now() - start) / 1000);
      }
      await this.#removal;
      return true;
    } catch (error) {
      if (error === timeIsOver) return false;
      throw error;
    }
  }

  /** @returns whether it had to be run */
  async #runPoint(point: CheckedPoint): Promise<boolean> {
    const { record, spec, patience } = this.#parts;
    const { index } = point;
    if (this.#isCancelled(point)) {
      await this.#skip(point);
      return false;
    }
    const there = await this.#lookAtPlace(point);
    if (there === 'known') {
      patience.log(`point ${index} has a result`);
      await record.write({ record: 'point-known', point: index });
      // Whoever has published it may have been killed then.
      await this.#checkpoints?.remove(index);
      return false;
    }
    this.#began = performance.now();
    await record.write({ record: 'point-began', point: index });
    if (there === 'foreign') {
      await this.#note(point, notRun(placeTaken(pointFolder(spec.sweep, index))).outcome, {});
      return false;
    }
    const result = join(this.#parts.scratch.folder, workerResults, basename(pointFolder(spec.sweep, index)));
    try {
      await this.#end(point, result, await this.#instance(point, result));
    } finally {
      await this.#removal;
      // While the next one runs; what is not gone then goes with all of the worker's folder.
      this.#removal = rm(result, { recursive: true, force: true }).catch(() => undefined);
    }
    return true;
  }

  /** Somebody does not want it any more. */
  #isCancelled({ index }: CheckedPoint): boolean {
    return existsSync(join(this.#parts.spec.chunk, gridFiles.cancelled(index)));
  }

  async #skip({ index }: CheckedPoint): Promise<void> {
    this.#parts.patience.log(`point ${index} was cancelled`);
    await this.#parts.record.write({ record: 'point-skipped', point: index });
  }

  /** Makes way for the point's results, where it is not done, and where what is there is a sweep's. */
  async #lookAtPlace({ index, identity }: CheckedPoint): Promise<'known' | 'foreign' | 'free'> {
    const { spec, patience } = this.#parts;
    const folder = pointFolder(spec.sweep, index);
    const look = async () => {
      const place = await lookAt(folder);
      if (isOf(place, identity)) return 'known';
      if (place.has === 'something') return 'foreign';
      if (place.has === 'result') await clear(folder, spec.sweep, identity);
      return 'free';
    };
    return await persistently(`look at ${folder}`, look, patience).catch((error: unknown) => {
      throw sharedFolderTrouble(`cannot look at ${folder}`, error);
    });
  }

  async #instance(point: CheckedPoint, out: string): Promise<InstanceResult | GvaError> {
    const { spec, prepared, vmm, scratch, patience } = this.#parts;
    const { limits, keep, keepDisks } = spec.work;
    using saving = await this.#checkpoints?.of(point.index);
    try {
      await this.#files.check(point.files);
      const instance = {
        id: `${prepared.appliance.name}-${process.pid}-${point.index}`,
        ...{ prepared, parameters: point.parameters, files: point.files, out, force: false },
        ...{ keep, keepDisks, scratch: scratch.folder, durable: false, start: this.#start },
        limits: { total: undefined, ...limits },
        ...(saving ? { checkpoints: saving.wish } : {}),
      };
      const { onEvent = () => undefined, signal = patience.signal } = saving ?? {};
      const result = await runInstance(instance, vmm, onEvent, signal);
      const last = saving?.last();
      if (last && this.#isBrokenOff(result))
        await this.#parts.record.write({ record: 'point-saved', point: point.index, ...last });
      return result;
    } catch (error) {
      this.#throwIfLeft();
      return notRun(error).error;
    }
  }

  /** It was ended with its job; a VMM that the signal has reached as well may have been quicker to end. */
  #isBrokenOff = ({ state }: InstanceResult) =>
    state === 'cancelled' || (state === 'lost' && this.#leave.aborted);

  /** The job's own time is no failure. */
  #throwIfLeft(): void {
    this.#parts.patience.signal.throwIfAborted();
    if (this.#leave.aborted) throw timeIsOver;
  }

  async #end(point: CheckedPoint, folder: string, result: InstanceResult | GvaError): Promise<void> {
    if (result instanceof GvaError) {
      await this.#note(point, notRun(result).outcome, {});
      this.#countTrouble(result);
      return;
    }
    this.#troubles = 0;
    if (this.#isBrokenOff(result)) this.#throwIfLeft();
    const { scratchBytes } = result;
    // Its place may be that of other work by now.
    if (this.#isCancelled(point)) {
      await this.#skip(point);
      return;
    }
    if (result.state === 'lost') await this.#keepLost(point, folder);
    const published = result.state === 'lost' ? false : await this.#publish(point, folder, scratchBytes);
    // One whose VMM was ended by others may go on from there.
    if (result.cause !== 'vmm-failed') await this.#checkpoints?.remove(point.index);
    await this.#note(point, outcomeOf(result), { scratchBytes, published });
  }

  async #publish({ index, identity }: CheckedPoint, folder: string, scratchBytes: number): Promise<boolean> {
    const { spec, job, patience, record } = this.#parts;
    const point = { sweep: spec.sweep, index, identity, job };
    try {
      return await publish(folder, point, patience);
    } catch (error) {
      const kept = join(
        scratchFolder(),
        keptResults(basename(spec.sweep), index, randomBytes(4).toString('hex')),
      );
      await rename(folder, kept);
      const message = `the results of point ${index} could not be saved; they are on this node, in ${kept}`;
      patience.log(message);
      const cause = `RESULT_UNSAVED: ${message}`;
      const outcome: PointOutcome = { state: 'lost', cause, message, status: null, times: null };
      const trouble = sharedFolderTrouble(message, error);
      await record.write({
        record: 'point-ended',
        point: index,
        outcome,
        scratchBytes,
        published: false,
        kept,
      });
      throw trouble;
    }
  }

  async #keepLost({ index, attempt }: CheckedPoint, folder: string): Promise<void> {
    const { spec, patience } = this.#parts;
    const target = join(spec.chunk, gridFiles.lost, gridFiles.lostPoint(index, attempt));
    await keepLost(folder, target).catch((error: unknown) =>
      patience.log(`what is known of point ${index} could not be saved: ${messageOf(error)}`),
    );
  }

  async #note(
    { index }: CheckedPoint,
    outcome: PointOutcome,
    { scratchBytes = 0, published = false }: { scratchBytes?: number; published?: boolean },
  ): Promise<void> {
    const { record, patience } = this.#parts;
    const why = outcome.message === undefined ? '' : `: ${outcome.message}`;
    const late = published || outcome.state === 'lost' ? '' : ' (somebody else was first)';
    patience.log(`point ${index} ${outcome.state}${late}${why}`);
    const seconds = Number(((performance.now() - this.#began) / 1000).toFixed(3));
    await record.write({ record: 'point-ended', point: index, outcome, scratchBytes, published, seconds });
  }

  /** @throws Trouble */
  #countTrouble({ code, message, hint }: GvaError): void {
    // A file that has changed is in the way of its points only.
    this.#troubles = code === 'INPUT_FILE' ? 0 : this.#troubles + 1;
    if (this.#troubles < mostTroubles) return;
    throw new Trouble(code, `${this.#troubles} points in a row could not be run: ${message}`, {
      avoidNode: true,
      ...(hint === undefined ? {} : { hint }),
    });
  }
}

const placeTaken = (folder: string) =>
  new GvaError('OUT_EXISTS', `the folder ${folder} is not empty, and what is in it is not GVA's`);

/** The folder in which results wait until they are published. */
export const makeResultsFolder = ({ folder }: Scratch) => ensureFolder(join(folder, workerResults));
