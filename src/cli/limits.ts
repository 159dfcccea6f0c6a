import type { WatchLimits } from '../instance/watch.js';
import { GvaError } from '../system/errors.js';
import { parseDuration } from '../system/units.js';

export interface LimitOptions {
  timeout?: string;
  bootTimeout: string;
}

/** The limits of an instance's life that `--timeout` and `--boot-timeout` set. */
export function instanceLimits({ timeout, bootTimeout }: LimitOptions): WatchLimits {
  return {
    boot: duration('--boot-timeout', bootTimeout),
    total: timeout === undefined ? undefined : duration('--timeout', timeout),
    powerOff: 30,
  };
}

function duration(option: string, text: string): number {
  const seconds = parseDuration(text);
  if (seconds !== undefined && seconds > 0) return seconds;
  throw new GvaError('USAGE', `${option} ${text} is no duration`, { hint: 'Examples: 90s, 15m, 2h' });
}
