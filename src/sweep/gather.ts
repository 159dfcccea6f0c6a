import { join } from 'node:path';
import type { Gathered } from '../model/sweep.js';
import { GvaError, errnoOf, messageOf } from '../system/errors.js';
import { sweepFiles } from '../system/paths.js';
import { outcomeOf } from './done-points.js';
import { gatherOnHost } from './results/gather.js';
import { type Gatherer, gatherInAppliance } from './results/gather-appliance.js';
import {
  forgetGatherRecord,
  gatherDigest,
  readGatherRecord,
  writeGatherRecord,
} from './results/gather-record.js';

/** What is done with all outputs when all points of a sweep have ended. */
export type GatherStep =
  | { readonly kind: 'command'; readonly command: string }
  /** `place`: the folder or package. */
  | ({ readonly kind: 'appliance'; readonly place: string } & Gatherer);

/** In one line, for people. */
export const gatherTitle = (step: GatherStep) =>
  step.kind === 'command'
    ? step.command
    : `${step.prepared.appliance.name} ${step.prepared.appliance.version}`;

/** Equal for steps that do the same. */
const keyOf = (step: GatherStep) =>
  step.kind === 'command'
    ? `command ${step.command}`
    : `appliance ${step.prepared.digest} ${step.prepared.base.digest}`;

/**
 * Runs the gather step of a sweep whose table has been written, and notes how it ended. What stopped it from running at
 * all is `lost`, and is not noted.
 *
 * @param sweep its folder, absolute
 * @throws the signal's reason; what is a bug
 */
export async function gather(sweep: string, step: GatherStep, signal: AbortSignal): Promise<Gathered> {
  const log = join(sweep, sweepFiles.gatherLog);
  try {
    signal.throwIfAborted();
    await forgetGatherRecord(sweep);
    const of = await gatherDigest(sweep, keyOf(step));
    const outcome = await (step.kind === 'command'
      ? runCommand(step.command, sweep, signal)
      : runAppliance(step, sweep, signal));
    const { state, ...rest } = outcome;
    if (state !== 'lost') await writeGatherRecord(sweep, { of, state, ...rest });
    return { ...outcome, log };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof GvaError) && errnoOf(error) === undefined) throw error;
    const code = error instanceof GvaError ? `${error.code}: ` : '';
    return { state: 'lost', status: null, message: `${code}${messageOf(error)}`, log };
  }
}

type Outcome = Omit<Gathered, 'log' | 'earlier'>;

async function runCommand(command: string, sweep: string, signal: AbortSignal): Promise<Outcome> {
  const { status } = await gatherOnHost(command, sweep, signal);
  if (status === 0) return { state: 'done', status };
  return { state: 'failed', status, message: `the command ended with status ${status}` };
}

async function runAppliance(gatherer: Gatherer, sweep: string, signal: AbortSignal): Promise<Outcome> {
  const { state, status, message } = outcomeOf(await gatherInAppliance(sweep, gatherer, signal));
  if (state === 'cancelled') throw new Error('a gathering instance was cancelled by nobody');
  return { state, status, ...(message === undefined ? {} : { message }) };
}

/** How the step ended before, if nothing has changed since: neither the step nor any result. */
export async function gatheredBefore(sweep: string, step: GatherStep): Promise<Gathered | undefined> {
  const record = await readGatherRecord(sweep);
  if (!record || record.of !== (await gatherDigest(sweep, keyOf(step)))) return undefined;
  const { state, status, message } = record;
  const log = join(sweep, sweepFiles.gatherLog);
  return { state, status, log, earlier: true, ...(message === undefined ? {} : { message }) };
}
