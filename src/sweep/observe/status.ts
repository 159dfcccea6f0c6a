import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import type { SweepStatus } from '../../model/sweep-status.js';
import { ExitCode, GvaError, messageOf } from '../../system/errors.js';
import { sweepFiles } from '../../system/paths.js';
import { readCapped } from './capped.js';
import { type Owner, ownerOf } from './owner.js';

/** How a sweep stands, as it can be seen without having its folder. */
export interface SeenStatus {
  readonly status: SweepStatus;
  readonly owner: Owner;
  /** Nothing more will come of it by itself. */
  readonly ended: boolean;
  /** Seconds since its process wrote the status, by this host's clock. */
  readonly age: number;
}

/** Bytes; a running point takes about 120. */
const longestStatus = 16 << 20;

/**
 * Reads status.json and nothing else of the sweep. One that says that it runs while no process has the folder is
 * stopped: what ran is pending again. Undefined where there is no status.
 *
 * @throws GvaError SWEEP_UNREADABLE
 */
export async function readStatus(folder: string): Promise<SeenStatus | undefined> {
  const file = join(folder, sweepFiles.status);
  // The owner first: a process writes its last status before it leaves the folder.
  const owner = await ownerOf(folder).catch((error: unknown) => {
    throw unreadable(folder, error);
  });
  const text = await readCapped(file, longestStatus).catch((error: unknown) => {
    throw unreadable(file, error);
  });
  if (text === undefined) return undefined;
  const status = parseStatus(file, text);
  const final = status.state === 'finished' || status.state === 'stopped';
  const age = Math.max(0, (Date.now() - Date.parse(status.at)) / 1000);
  // A process that has the folder beside a final status has just begun, or is just leaving.
  if (final) return { status, owner, ended: owner !== 'alive', age };
  if (owner === 'none' && hasJobs(status)) return { status: byJobs(status), owner, ended: false, age };
  if (owner === 'none') return { status: withoutProcess(status), owner, ended: true, age };
  return { status, owner, ended: false, age };
}

/** The same, for commands that need one. @throws GvaError SWEEP_NO_STATUS too */
export async function requireStatus(folder: string): Promise<SeenStatus> {
  const seen = await readStatus(folder);
  if (seen) return seen;
  throw new GvaError('SWEEP_NO_STATUS', `the sweep in ${folder} has not said how it stands`, {
    exitCode: ExitCode.infrastructure,
    hint: 'It has just begun, or was run by an earlier version: gva sweep run goes on with it.',
  });
}

/**
 * The status again and again, whenever it has changed, up to the one with which the sweep has ended.
 *
 * @param pause seconds between two looks
 * @param refresh done before each look
 * @throws what the signal says
 */
export async function* followStatus(
  folder: string,
  signal: AbortSignal,
  pause = 0.5,
  refresh: () => Promise<void> = () => Promise.resolve(),
): AsyncGenerator<SeenStatus> {
  for (let last = ''; ;) {
    signal.throwIfAborted();
    await refresh();
    const seen = await requireStatus(folder);
    const { status, owner } = seen;
    const now = JSON.stringify([status, owner]);
    if (now !== last || seen.ended) yield seen;
    if (seen.ended) return;
    last = now;
    await setTimeout(pause * 1000, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}

/** Whether jobs of a grid wait or run, as far as is known. */
export const hasJobs = ({ grid }: SweepStatus): boolean =>
  grid !== undefined && grid.pending + grid.running > 0;

/** Its jobs go on without a process; what that process said of itself is no longer so. */
function byJobs({ reason, ...status }: SweepStatus): SweepStatus {
  const goesOn = { ...status, state: 'running', perMinute: null, remaining: null } as const;
  return reason === undefined || status.state !== 'running' ? goesOn : { ...goesOn, reason };
}

function withoutProcess(status: SweepStatus): SweepStatus {
  const { counts } = status;
  return {
    ...status,
    state: 'stopped',
    reason: 'its process has ended without saying why',
    counts: { ...counts, pending: counts.pending + counts.active, active: 0 },
    perMinute: null,
    remaining: null,
    running: [],
  };
}

const count = z.number().int().min(0);
const seconds = z.number().min(0);
const date = z.string().refine((text) => !Number.isNaN(Date.parse(text)));

/** What this version reads; entries of later versions are let pass. */
const schema = z.looseObject({
  format: z.literal('gva-sweep-status/1'),
  name: z.string(),
  state: z.enum(['running', 'paused', 'stopping', 'stopped', 'finished']),
  reason: z.string().exactOptional(),
  host: z.string(),
  pid: count,
  startedAt: date,
  at: date,
  points: count,
  counts: z.looseObject({ pending: count, done: count, failed: count, lost: count, active: count }),
  kept: count,
  parallel: count,
  perMinute: seconds.nullable(),
  remaining: z.looseObject({ seconds, low: seconds, high: seconds }).nullable(),
  gathered: z
    .looseObject({
      state: z.enum(['done', 'failed', 'lost']),
      status: z.number().nullable(),
      log: z.string(),
      message: z.string().exactOptional(),
      earlier: z.literal(true).exactOptional(),
    })
    .exactOptional(),
  running: z.array(
    z.looseObject({
      index: count,
      attempt: count,
      since: date,
      phase: z.enum(['staging', 'booting', 'running', 'collecting']),
      fraction: z.number().exactOptional(),
      text: z.string().exactOptional(),
    }),
  ),
  grid: z.looseObject({ engine: z.string(), pending: count, running: count, nodes: count }).exactOptional(),
  slowest: z.array(z.looseObject({ index: count, seconds })),
  failures: z.array(
    z.looseObject({
      index: count,
      state: z.enum(['done', 'failed', 'lost', 'cancelled']),
      cause: z.string().exactOptional(),
      message: z.string().exactOptional(),
      attempts: count,
    }),
  ),
});

function parseStatus(file: string, text: string): SweepStatus {
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    throw unreadable(file, error instanceof SyntaxError ? error : 'of a later version of GVA, or damaged');
  }
}

const unreadable = (file: string, error: unknown) =>
  new GvaError('SWEEP_UNREADABLE', `cannot read ${file}: ${messageOf(error)}`, {
    exitCode: ExitCode.infrastructure,
    cause: error,
  });
