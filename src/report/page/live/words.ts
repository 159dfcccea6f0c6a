import { formatCount, formatSeconds } from '../../chart/numbers.js';
import type { LiveStatus } from '../../live/protocol.js';
import type { KnownSweep } from './store.js';

type Remaining = NonNullable<LiveStatus['remaining']>;

/** Whole seconds are exact enough for what is to come. */
export const roughly = (seconds: number): string =>
  seconds < 60 ? `${Math.max(1, Math.ceil(seconds))} s` : formatSeconds(seconds);

export const remainingRange = ({ low, high }: Remaining): string => `${roughly(low)} to ${roughly(high)}`;

export const perMinute = (rate: number | null): string =>
  rate === null ? '–' : formatCount(Number(rate.toFixed(rate < 10 ? 1 : 0)));

/** Whole percent; 100 only when nothing is left. */
export function percentDone({ status }: KnownSweep): number {
  if (!status || status.points === 0) return 0;
  return Math.floor((100 * (status.points - status.counts.pending - status.counts.active)) / status.points);
}

const states: Readonly<Record<LiveStatus['state'], string>> = {
  ...{ running: 'Running', paused: 'Paused', stopping: 'Stopping', stopped: 'Stopped' },
  ...{ finished: 'Finished', unknown: 'Not known yet' },
};

/** How a sweep stands, as one sentence; other words for another state only. */
export function stateSentence({ state, reason, gathered, jobs }: LiveStatus): string {
  return [
    `${states[state]}${reason === undefined ? '' : `: ${reason}`}`,
    ...(jobs === undefined ? [] : [jobs]),
    ...(gathered === undefined ? [] : [`gathered: ${gathered}`]),
  ].join(' · ');
}

/** Said once a sweep has come to its end. */
export function endSentence({ state, counts, reason }: LiveStatus): string {
  const bad = counts.failed + counts.lost;
  const tail = bad === 0 ? '' : ` ${formatCount(bad)} ${bad === 1 ? 'point is' : 'points are'} not done.`;
  if (state === 'finished') return `The sweep has finished.${tail}`;
  return `The sweep has stopped${reason === undefined ? '' : `: ${reason}`}.${tail} gva sweep resume goes on with it.`;
}

export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${formatCount(count)} ${count === 1 ? one : many}`;
