import { runInstance } from '../instance/run.js';
import type { InstanceEvent } from '../model/instance-event.js';
import type { Point, PointOutcome } from '../model/sweep.js';
import { ExitCode, GvaError, errnoOf, messageOf } from '../system/errors.js';
import { pointFolder } from '../system/paths.js';
import type { ChosenVmm } from '../vmm/choose.js';
import { outcomeOf } from './done-points.js';
import type { SweepSpec } from './run-sweep.js';

/** How a point ended; `error` is why its instance could not be run at all. */
export interface PointRun {
  readonly outcome: PointOutcome;
  readonly error?: GvaError;
}

export interface PointWatch {
  readonly signal: AbortSignal;
  /** The machine is about to be started. */
  readonly onStarting: () => void;
  readonly onEvent: (event: InstanceEvent) => void;
}

/** Runs the instance of one point. Only what is a bug is thrown. */
export async function runPoint(
  { plan, prepared, out, limits, keep, start }: SweepSpec,
  point: Point,
  vmm: ChosenVmm,
  { signal, onStarting, onEvent }: PointWatch,
): Promise<PointRun> {
  const { index, parameters } = point;
  const id = `${prepared.appliance.name}-${process.pid}-${index}`;
  try {
    const files = await plan.files.of(point);
    const how = start === undefined ? {} : { start };
    const spec = { id, prepared, parameters, files, out: pointFolder(out, index), limits, keep, ...how };
    // What stands in its folder is the sweep's own, and of other work or not done.
    const result = await runInstance({ ...spec, onStarting, force: true }, vmm, onEvent, signal);
    return { outcome: outcomeOf(result) };
  } catch (error) {
    const told = toldError(error);
    const cause = `${told.code}: ${told.message}`;
    return {
      outcome: { state: 'lost', cause, message: told.message, status: null, times: null },
      error: told,
    };
  }
}

/** Errors of the host's system calls (a full disk, too many processes) are no bugs of ours. */
function toldError(error: unknown): GvaError {
  if (error instanceof GvaError) return error;
  const errno = errnoOf(error);
  if (errno === undefined || !/^E[A-Z0-9]+$/.test(errno)) throw error;
  return new GvaError(errno, messageOf(error), { exitCode: ExitCode.infrastructure, cause: error });
}
