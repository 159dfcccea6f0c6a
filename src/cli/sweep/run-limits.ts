import { resolve } from 'node:path';
import type { SavedOptions } from '../../sweep/observe/saved-options.js';
import { type RetryLimits, defaultRetryLimits } from '../../sweep/schedule/retry-policy.js';
import { type StopWishes, parseFailureLimit } from '../../sweep/schedule/stop-conditions.js';
import { count } from '../quantities.js';
import { gridWordNames } from './grid-options.js';
import type { SweepRunOptions } from './run-options.js';

/** @throws GvaError USAGE */
export function retryLimits({ attempts, retryFailed, retryTimeouts }: SweepRunOptions): RetryLimits {
  return {
    ...defaultRetryLimits,
    ...(attempts === undefined ? {} : { attempts: count('--attempts', attempts, 1) }),
    ...(retryFailed === undefined ? {} : { retryFailed: count('--retry-failed', retryFailed, 0) }),
    ...(retryTimeouts === undefined ? {} : { retryTimeouts }),
  };
}

/** @throws GvaError MAX_FAILURES */
export function stopWishes({ maxFailures, stopWhen }: SweepRunOptions): StopWishes {
  return {
    maxFailures: maxFailures === undefined ? undefined : parseFailureLimit(maxFailures),
    when: stopWhen,
  };
}

/** What `gva sweep resume` says again; not what was meant for one run, such as --force. */
export function savedOptions(name: string, options: SweepRunOptions): SavedOptions {
  const { jobs, vmm, start, pool, deploymentOption, timeout, bootTimeout, appliance, qemu } = options;
  const { keep, keepDisks, checkpointEvery, collectEvery, paramsOn, requireSignature } = options;
  const { cache, attempts, retryFailed, retryTimeouts, maxFailures, stopWhen } = options;
  const limits = { attempts, retryFailed, retryTimeouts, maxFailures, stopWhen };
  const grid = Object.fromEntries(gridWordNames.map((word) => [word, options[word]]));
  const paths = { appliance: appliance && resolve(appliance), qemu: qemu && resolve(qemu) };
  const given = Object.entries({
    jobs,
    deploymentOption,
    timeout,
    keep,
    ...{ keepDisks, checkpointEvery, collectEvery, paramsOn, requireSignature },
    ...limits,
    ...paths,
    ...grid,
  });
  const said = given.filter(([, value]) => value !== undefined);
  return { name, vmm, start, pool, bootTimeout, cache, ...Object.fromEntries(said) };
}
