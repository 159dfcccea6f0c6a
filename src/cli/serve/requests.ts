import type { CancelPoints, RetryPoints } from '../../report/live/protocol.js';
import { putRequest, untilTaken } from '../../sweep/observe/requests.js';
import { requireStatus } from '../../sweep/observe/status.js';
import { GvaError } from '../../system/errors.js';
import { takeIn } from '../sweep/take-in.js';

/** Milliseconds that jobs of a grid have to end. */
const jobsTime = 60_000;

/** @throws GvaError SWEEP_NOT_RUNNING, SWEEP_SILENT, REQUEST_UNWRITABLE */
export async function askToCancel(folder: string, points: CancelPoints, signal: AbortSignal): Promise<void> {
  const { status, ended, owner } = await requireStatus(folder);
  if (ended) throw notRunning(status.state);
  if (owner === 'none') {
    const limited = AbortSignal.any([signal, AbortSignal.timeout(jobsTime)]);
    await takeIn(folder, limited, { cancel: points });
  } else await untilTaken(await putRequest(folder, { request: 'cancel', points }), signal);
}

/** @throws GvaError SWEEP_NOT_RUNNING, SWEEP_SILENT, REQUEST_UNWRITABLE */
export async function askToRetry(folder: string, points: RetryPoints, signal: AbortSignal): Promise<void> {
  const { status, ended, owner } = await requireStatus(folder);
  if (ended || owner === 'none') throw notRunning(status.state);
  await untilTaken(await putRequest(folder, { request: 'retry', points }), signal);
}

const notRunning = (state: string) =>
  new GvaError('SWEEP_NOT_RUNNING', `the sweep does not run: it is ${state}`, {
    hint: 'gva sweep resume runs all points again that are not done.',
  });
