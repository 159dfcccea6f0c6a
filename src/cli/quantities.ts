import { GvaError } from '../system/errors.js';
import { parseDuration, parseSize } from '../system/units.js';

/** Seconds of an option's value, more than 0. */
export function duration(option: string, text: string): number {
  const seconds = parseDuration(text);
  if (seconds !== undefined && seconds > 0) return seconds;
  throw new GvaError('USAGE', `${option} ${text} is no duration`, { hint: 'Examples: 90s, 15m, 2h' });
}

/** Bytes of an option's value. */
export function size(option: string, text: string): number {
  const bytes = parseSize(text);
  if (bytes !== undefined) return bytes;
  throw new GvaError('USAGE', `${option} ${text} is no size`, { hint: 'Examples: 4096, 256M, 1.5G' });
}

/** A whole number from `least` on. */
export function count(option: string, text: string, least: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  if (value >= least && Number.isSafeInteger(value)) return value;
  throw new GvaError('USAGE', `${option} ${text} is no whole number from ${least} on`);
}
