import type { Gathered, PointCounts } from '../../model/sweep.js';
import type { FailedPoint, GridStanding, RunningPoint, SweepStatus } from '../../model/sweep-status.js';
import type { SeenStatus } from '../../sweep/observe/status.js';
import { formatDuration } from '../../system/units.js';
import { printable } from '../../vmm/console-ring.js';

/** Seconds after which a sweep that cannot be judged from here is said to be silent. */
const longSilence = 30;

/** How a sweep gets on, in one line of plain text. */
export function progressLine(status: SweepStatus): string {
  const { points, counts, state, perMinute, remaining, grid } = status;
  const ended = state === 'finished' || state === 'stopped';
  return [
    ...(ended || state === 'running' ? [] : [state]),
    `${counts.done}/${points} done`,
    ...(ended ? [] : [`${grid ? status.running.length : counts.active} running`]),
    ...(ended || !grid ? [] : [jobsText(grid)]),
    ...(counts.failed > 0 ? [`${counts.failed} failed`] : []),
    ...(counts.lost > 0 ? [`${counts.lost} lost`] : []),
    ...(perMinute === null ? [] : [`${rate(perMinute)}/min`]),
    ...(ended || remaining === null ? [] : [`${remainingText(remaining)} left`]),
  ].join(', ');
}

/** All that is known of a sweep, as lines. */
export function statusLines(seen: SeenStatus, folder: string, now = Date.now()): string[] {
  const { status } = seen;
  const { perMinute, remaining, kept, parallel, running, slowest, failures } = status;
  const facts: [string, string][] = [
    ['sweep', `${status.name} (${folder})`],
    ['state', stateText(seen)],
    [
      'points',
      `${status.points}: ${countsText(status.counts, status)}${kept > 0 ? ` (${kept} done before)` : ''}`,
    ],
    ...(seen.ended || !status.grid ? [] : [pair('jobs', jobsText(status.grid))]),
    ...(seen.ended || perMinute === null
      ? []
      : [pair('rate', `${rate(perMinute)} points per minute, ${parallel} at once`)]),
    ...(seen.ended || remaining === null ? [] : [pair('end', endText(remaining, now))]),
    ...(status.gathered ? [pair('gathered', gatheredText(status.gathered))] : []),
    ...titled(
      'running',
      running.map((point) => runningText(point, now)),
    ),
    ...titled('slowest', slowest.length > 0 ? [slowest.map(slowText).join(', ')] : []),
    ...titled('not done', failures.map(failureText)),
  ];
  return facts.map(([title, text]) => `${title.padEnd(10)}${oneLine(text)}`);
}

const pair = (title: string, text: string): [string, string] => [title, text];

const titled = (title: string, texts: readonly string[]) =>
  texts.map((text, index) => pair(index === 0 ? title : '', text));

/** "12 jobs waiting, 3 running on 2 nodes (slurm)" */
export function jobsText({ engine, pending, running, nodes }: GridStanding): string {
  const where = nodes === 0 ? '' : ` on ${nodes} ${nodes === 1 ? 'node' : 'nodes'}`;
  const waiting = `${pending} ${pending === 1 ? 'job' : 'jobs'} waiting`;
  return `${waiting}, ${running} running${where} (${engine})`;
}

/** @param status of a grid's sweep: what is submitted need not run */
export function countsText(
  counts: PointCounts & { readonly active?: number },
  status?: Pick<SweepStatus, 'grid' | 'running'>,
): string {
  const { done, failed, lost, pending, active = 0 } = counts;
  const running = status?.grid ? Math.min(active, status.running.length) : active;
  const parts = Object.entries({ done, running, submitted: active - running, failed, lost, pending })
    .filter(([, count]) => count > 0)
    .map(([state, count]) => `${count} ${state}`);
  return parts.length > 0 ? parts.join(', ') : 'none';
}

function gatheredText({ state, message, log }: Gathered): string {
  return `${state}${message === undefined ? '' : `: ${message}`} (${log})`;
}

function stateText({ status, owner, age, ended }: SeenStatus): string {
  const why = status.reason === undefined ? '' : `: ${status.reason}`;
  if (ended) return `${status.state}${why}`;
  if (owner === 'none') return `${status.state}${why} (by its jobs, as of ${formatDuration(age)} ago)`;
  const silent = owner === 'unknown' && age > longSilence;
  const since = silent ? `; nothing was heard of it for ${formatDuration(age)}` : '';
  return `${status.state}${why} (process ${status.pid} on ${status.host}${since})`;
}

type Remaining = NonNullable<SweepStatus['remaining']>;

const remainingText = ({ seconds, low, high }: Remaining) =>
  `about ${roughly(seconds)} (${roughly(low)} to ${roughly(high)})`;

function endText(remaining: Remaining, now: number): string {
  const { seconds } = remaining;
  // Beyond what a date can say, the duration alone has to do.
  const at = new Date(now + seconds * 1000);
  const when = Number.isNaN(at.getTime()) ? '' : `, ${at.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
  return `in ${remainingText(remaining)}${when}`;
}

function runningText({ index, attempt, since, phase, fraction, text }: RunningPoint, now: number): string {
  const seconds = Math.max(0, (now - Date.parse(since)) / 1000);
  const percent = fraction === undefined ? '' : ` ${Math.round(100 * Math.min(1, Math.max(0, fraction)))}%`;
  return `point ${index}: ${phase}${percent}${text === undefined ? '' : ` (${text})`}, ${roughly(seconds)}${attempt > 1 ? `, attempt ${attempt}` : ''}`;
}

const slowText = ({ index, seconds }: SweepStatus['slowest'][number]) =>
  `${index} (${formatDuration(seconds)})`;

export function failureText({ index, state, cause, message, attempts }: FailedPoint): string {
  const tries = attempts > 1 ? ` after ${attempts} attempts` : '';
  return `point ${index}: ${state}${tries}: ${message ?? cause ?? 'no reason is known'}`;
}

const roughly = (seconds: number) => (seconds < 60 ? `${Math.ceil(seconds)} s` : formatDuration(seconds));
const rate = (perMinute: number) => perMinute.toFixed(perMinute < 10 ? 1 : 0);
const oneLine = (text: string) => printable(text).replace(/\s+/g, ' ');
