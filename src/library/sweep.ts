import { basename, join, resolve } from 'node:path';
import { ControlServer } from '../instance/control/server.js';
import type { KeepKind } from '../model/keep.js';
import type { PoolChoice } from '../model/start.js';
import type { SweepEvent, SweepSummary } from '../model/sweep.js';
import type { SweepStatus } from '../model/sweep-status.js';
import { rememberSweep } from '../sweep/observe/registry.js';
import type { SavedOptions } from '../sweep/observe/saved-options.js';
import type { Plan } from '../sweep/plan/plan.js';
import { type SweepSpec, runSweep } from '../sweep/run-sweep.js';
import { defaultRetryLimits } from '../sweep/schedule/retry-policy.js';
import { parseFailureLimit } from '../sweep/schedule/stop-conditions.js';
import { writeFileAtomically } from '../system/files.js';
import { sweepFiles } from '../system/paths.js';
import { openGatherStep } from './gather-step.js';
import { openAppliance } from './open-appliance.js';
import { type InstanceOptions, baseOf, limitsOf, startOf } from './options.js';
import { type SweepPlan, planOf } from './plan.js';
import { type Running, begin } from './running.js';

export interface SweepOptions extends InstanceOptions {
  /** Folder for the results: new, empty, or of this sweep, which then goes on with what is missing. */
  readonly out: string;
  /** Of the sweep; the last part of `out` where absent. */
  readonly name?: string;
  /** Instances at once, at most; as CPUs and free memory allow where absent. */
  readonly jobs?: number;
  /** How the output of each point is kept; as the plan says, else as files, where absent. */
  readonly keep?: KeepKind;
  /** Whether guests are kept ready for the next points; `auto` where absent. */
  readonly pool?: PoolChoice;
  /** Run the points that are done again, too. */
  readonly force?: boolean;
  /** Take results of other sweeps, and let them take those of this one; true where absent. */
  readonly cache?: boolean;
  /** Times that a point may be lost before it is set aside; 3 where absent. */
  readonly attempts?: number;
  /** Times that a point is run again because its application failed; 0 where absent. */
  readonly retryFailed?: number;
  /** Run a point again that ran into its time limit. */
  readonly retryTimeouts?: boolean;
  /** Stop when so many points have failed or are lost: a number, or a part of those that ended, such as `5%`. */
  readonly maxFailures?: number | `${number}%`;
  /** Stop when it holds at a point's end: an expression such as `error < 0.01`. */
  readonly stopWhen?: string;
  /** Let the plan run its gather command on this host, as you. An appliance that gathers needs no consent. */
  readonly gather?: boolean;
  /** Ends the sweep gently: nothing more is begun, what runs comes to its end, and the summary says `interrupted`. */
  readonly finish?: AbortSignal;
  /** Told about once a second how the sweep stands. */
  readonly onStatus?: (status: SweepStatus) => void;
}

/**
 * Runs the points of a plan side by side on this host, each into a folder of its own, and keeps the table of results. A
 * point that is done is not run again unless the appliance, its base, the parameters or the files have changed. The same
 * call, or `gva sweep resume`, goes on where this one ended, however it ended.
 *
 * @param plan path of a plan file or table, or a plan as an object
 * @throws GvaError (as rejection of `result`, and in the loop over the events) where the plan is wrong, the folder cannot
 *   be used, or this host can run no more points; what becomes of single points is in the summary and the table
 */
export function sweep(plan: string | SweepPlan, options: SweepOptions): Running<SweepEvent, SweepSummary> {
  return sweepWith(openAppliance, plan, options);
}

/** @internal @param open makes ready what instances share */
export function sweepWith(
  open: typeof openAppliance,
  plan: string | SweepPlan,
  options: SweepOptions,
): Running<SweepEvent, SweepSummary> {
  return begin(async (tell, signal) => {
    const { out, name = basename(resolve(out)), finish } = options;
    const read = await planOf(plan, out);
    const wish = { vmm: options.vmm ?? 'auto', start: options.start ?? 'auto' };
    const { prepared, vmm } = await open(read.source, wish, baseOf(options), Number(read.points.count));
    signal.throwIfAborted();
    await using control = await ControlServer.listen();
    const spec: SweepSpec = {
      ...{ plan: read, prepared, name, ...howOf(options, read) },
      ...{ start: await startOf(options), ...(control ? { control } : {}) },
      ...(await gatherOf(read, options, signal)),
      options: wordsOf(name, options),
    };
    let begun: Promise<unknown> | undefined;
    const onEvent = (event: SweepEvent) => {
      if (event.event === 'begun') begun = noteBegun(plan, read, { name, out });
      tell(event);
    };
    const signals = { abort: signal, finish: finish ? AbortSignal.any([finish, signal]) : signal };
    const summary = await runSweep(spec, vmm, onEvent, signals);
    await begun;
    if (summary.interrupted) signal.throwIfAborted();
    return summary;
  }, options.signal);
}

/** Everything that is said by options alone. */
function howOf(options: SweepOptions, plan: Plan) {
  const { out, jobs, keep, pool = 'auto', maxFailures, stopWhen, onStatus } = options;
  const { attempts, retryFailed, retryTimeouts, force = false, keepDisks = false, cache = true } = options;
  const retries = Object.entries({ attempts, retryFailed, retryTimeouts });
  return {
    ...{ out, jobs, pool, force, keepDisks, limits: limitsOf(options), shared: cache },
    keep: keep ?? plan.keep ?? 'files',
    retry: {
      ...defaultRetryLimits,
      ...(Object.fromEntries(retries.filter(([, value]) => value !== undefined)) as object),
    },
    stop: {
      maxFailures: maxFailures === undefined ? undefined : parseFailureLimit(String(maxFailures)),
      when: stopWhen,
    },
    ...(onStatus ? { onStatus } : {}),
  };
}

async function gatherOf({ gather }: Plan, options: SweepOptions, signal: AbortSignal) {
  if (!gather) return {};
  const limits = { ...limitsOf(options), total: undefined };
  const wish = { vmm: options.vmm ?? 'auto', keepDisks: options.keepDisks };
  const step = await openGatherStep(gather, wish, { base: baseOf(options), limits, signal });
  return { gather: { step, allowed: (options.gather ?? false) || step.kind === 'appliance' } };
}

/** Commands find the sweep by its name from now on, and can go on with it. */
async function noteBegun(
  plan: string | SweepPlan,
  { text }: Plan,
  { name, out }: { readonly name: string; readonly out: string },
): Promise<void> {
  if (typeof plan !== 'string') await writeFileAtomically(join(out, sweepFiles.plan), text);
  // A sweep runs as well where nothing can be written to the user's folders.
  await rememberSweep(name, out).catch(() => undefined);
}

/** What `gva sweep resume` says again. */
function wordsOf(name: string, options: SweepOptions): SavedOptions {
  const { jobs, vmm = 'auto', start = 'auto', pool = 'auto', timeout, bootTimeout = 120 } = options;
  const {
    keep,
    keepDisks,
    cache = true,
    attempts,
    retryFailed,
    retryTimeouts,
    maxFailures,
    stopWhen,
  } = options;
  const numbers = { jobs, attempts, retryFailed, maxFailures };
  const given = Object.entries({
    ...Object.fromEntries(
      Object.entries(numbers).map(([word, value]) => [word, value === undefined ? value : String(value)]),
    ),
    ...{ keep, keepDisks, retryTimeouts, stopWhen },
    timeout: timeout === undefined ? undefined : `${timeout}s`,
  }).filter(([, value]) => value !== undefined);
  return { name, vmm, start, pool, cache, bootTimeout: `${bootTimeout}s`, ...Object.fromEntries(given) };
}
