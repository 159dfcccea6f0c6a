import type { Gathered } from '../../model/sweep.js';
import type { FailedPoint, SweepStatus } from '../../model/sweep-status.js';
import type { LiveStatus } from '../../report/live/protocol.js';
import type { SeenStatus } from '../../sweep/observe/status.js';
import { formatDuration } from '../../system/units.js';
import { printable } from '../../vmm/console-ring.js';
import { jobsText } from '../sweep/status-text.js';

/** Running points that are told one by one: a grid may run thousands. */
const mostRunning = 100;
/** Seconds after which a sweep that cannot be judged from here is said to be silent. */
const longSilence = 30;

/** What a page is told of how a sweep stands. */
export function liveStatus({ status, ended, owner, age }: SeenStatus): LiveStatus {
  const { points, kept, parallel, perMinute, remaining, running, slowest, gathered, grid } = status;
  const reason = reasonOf(status, owner === 'unknown' && !ended ? age : 0);
  return {
    ...{ state: status.state, ended, takesRequests: !ended && owner !== 'none' },
    ...(reason === undefined ? {} : { reason: shown(reason) }),
    ...{ points, kept, parallel, perMinute, remaining, slowest, counts: countsOf(status) },
    ...{ running: running.slice(0, mostRunning), runningCount: running.length },
    failures: status.failures.map(shownFailure),
    ...(gathered ? { gathered: shown(gatheredText(gathered)) } : {}),
    ...(grid && !ended ? { jobs: shown(jobsText(grid)) } : {}),
    ...{ startedAt: status.startedAt, at: status.at },
  };
}

/** Of a sweep of which nothing can be known. */
export const unknownStatus = (reason: string): LiveStatus => ({
  ...{ state: 'unknown', reason: shown(reason), ended: false, takesRequests: false },
  ...{ points: 0, kept: 0, parallel: 0, perMinute: null, remaining: null },
  counts: { pending: 0, done: 0, failed: 0, lost: 0, active: 0 },
  ...{ running: [], runningCount: 0, failures: [], slowest: [], startedAt: '', at: '' },
});

function reasonOf({ reason }: SweepStatus, silence: number): string | undefined {
  if (silence < longSilence) return reason;
  const silent = `nothing was heard of it for ${formatDuration(silence)}`;
  return reason === undefined ? silent : `${reason}; ${silent}`;
}

function countsOf({ counts: { pending, done, failed, lost, active } }: SweepStatus): LiveStatus['counts'] {
  return { pending, done, failed, lost, active };
}

const shownFailure = ({ index, state, cause, message, attempts }: FailedPoint): FailedPoint => ({
  ...{ index, state, attempts },
  ...(cause === undefined ? {} : { cause: shown(cause) }),
  ...(message === undefined ? {} : { message: shown(message) }),
});

const gatheredText = ({ state, message }: Gathered) =>
  message === undefined ? state : `${state}: ${message}`;

/** One line, and not without end. */
const shown = (text: string) => printable(text).replace(/\s+/g, ' ').slice(0, 1000).toWellFormed();
