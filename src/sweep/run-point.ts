import type { InstanceSpec } from '../instance/instance-spec.js';
import { runInstance } from '../instance/run.js';
import type { InstanceEvent } from '../model/instance-event.js';
import type { InstanceResult } from '../model/result.js';
import type { Point, PointOutcome } from '../model/sweep.js';
import { ExitCode, GvaError, errnoOf, fullDiskErrno, isPassing, messageOf } from '../system/errors.js';
import { pointCheckpoint, pointFolder } from '../system/paths.js';
import type { ChosenVmm } from '../vmm/choose.js';
import { outcomeOf } from './done-points.js';
import { pointInstance } from './point-instance.js';
import type { SweepSpec } from './run-sweep.js';
import { untilRoom } from './schedule/disk-room.js';

/** How a point ended. */
export interface PointRun {
  readonly outcome: PointOutcome;
  /** Why its instance could not be run at all. */
  readonly error?: GvaError;
  /** Bytes that it took on the host's disks; absent where that is not known. */
  readonly took?: DiskUse;
}

export interface DiskUse {
  /** In the scratch folder, while it ran. */
  readonly scratch: number;
  /** In the folder of the sweep, for good. */
  readonly results: number;
}

export interface PointWatch {
  readonly signal: AbortSignal;
  /** When it is aborted, the instance is saved and ended, where it can be. */
  readonly leave?: AbortSignal | undefined;
  /** The machine is about to be started. */
  readonly onStarting: () => void;
  readonly onEvent: (event: InstanceEvent) => void;
}

/** Runs the instance of one point. Only what is a bug is thrown. */
export async function runPoint(
  { plan, prepared, out, limits, keep, keepDisks, start, control, ...others }: SweepSpec,
  point: Point,
  vmm: ChosenVmm,
  { signal, leave, onStarting, onEvent }: PointWatch,
): Promise<PointRun> {
  const { index, parameters } = point;
  const { checkpointEvery: every, collectEvery } = others;
  const id = pointInstance(prepared.appliance.name, process.pid, index);
  try {
    const files = await plan.files.of(point);
    const saved = every === undefined ? undefined : savedPoint(pointCheckpoint(out, index), every, leave);
    const how = {
      limits,
      keep,
      keepDisks,
      ...(start === undefined ? {} : { start }),
      ...(control ? { control } : {}),
      ...(collectEvery === undefined ? {} : { collectEvery, channel: true }),
      ...saved,
    };
    const spec = { id, prepared, parameters, files, out: pointFolder(out, index), ...how };
    // What stands in its folder is the sweep's own, and of other work or not done.
    const waits = { onStarting, untilRoom: (bytes: number) => untilRoom(out, bytes, signal) };
    const result = await runInstance({ ...spec, ...waits, force: true }, vmm, onEvent, signal);
    return { outcome: outcomeOf(result), took: diskUse(result, { keep, keepDisks }) };
  } catch (error) {
    return notRun(error);
  }
}

/** Goes on from where an earlier attempt was saved; where that cannot be, the point begins anew and its result says why. */
const savedPoint = (
  folder: string,
  every: number,
  leave: AbortSignal | undefined,
): Pick<InstanceSpec, 'checkpoints'> => ({
  checkpoints: { folder, every, resume: 'may', ...(leave ? { leave } : {}) },
});

/** Output may have holes, which take no room: it is never more than what the disks had that it came from. */
function diskUse(
  { output, scratchBytes }: InstanceResult,
  { keep, keepDisks }: Pick<SweepSpec, 'keep' | 'keepDisks'>,
): DiskUse {
  const collected = keep === 'image' ? scratchBytes : Math.min(output?.bytes ?? 0, scratchBytes);
  return { scratch: scratchBytes, results: collected + (keepDisks ? scratchBytes : 0) };
}

/**
 * Of a point whose instance could not be run at all. One whose input is wrong has failed as its application would; all
 * else may fare better another time.
 *
 * @throws what is a bug
 */
export function notRun(error: unknown): Required<Pick<PointRun, 'outcome' | 'error'>> {
  const told = toldError(error);
  const { code, message } = told;
  const wrong = code === 'INPUT_FILE' && told.exitCode === ExitCode.usage;
  const state = wrong ? 'failed' : 'lost';
  return {
    outcome: { state, cause: `${code}: ${message}`, message, status: null, times: null },
    error: told,
  };
}

/** Errors of the host's system calls (a full disk, too many processes) are no bugs of ours. */
function toldError(error: unknown): GvaError {
  const full = fullDiskErrno(error);
  if (full !== undefined)
    return new GvaError(full, messageOf(error), { exitCode: ExitCode.infrastructure, cause: error });
  if (error instanceof GvaError) return error.code === 'INPUT_FILE' ? ofInput(error) : error;
  const errno = errnoOf(error);
  if (errno === undefined || !/^E[A-Z0-9]+$/.test(errno)) throw error;
  return new GvaError(errno, messageOf(error), { exitCode: ExitCode.infrastructure, cause: error });
}

/** Of a file that is there, but cannot be read for now, the host is to blame. */
function ofInput(error: GvaError): GvaError {
  const { code, message, cause } = error;
  if (!isPassing(cause)) return error;
  return new GvaError(code, message, { exitCode: ExitCode.infrastructure, cause });
}
