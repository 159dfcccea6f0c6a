import { cellNumber, cellText, columnNamed } from './columns.js';
import { type ReportColumn, type ReportedState } from './data.js';
import { stateOf } from './build.js';

/** What an instance goes through, in order. `collect`: from the machine's end to its results. */
export const phases = ['stage', 'boot', 'script', 'shutdown', 'collect'] as const;
export type Phase = (typeof phases)[number];

/** One instance, in seconds since the first one began. */
export interface Run {
  readonly row: number;
  readonly state: ReportedState;
  readonly start: number;
  /** Where each phase ends, in the order of `phases`; the last is the end of the run. */
  readonly ends: readonly number[];
  /** Instances that overlap have lanes of their own. */
  readonly lane: number;
}

/** A time in which nothing ran, of which the timeline shows only a short part. */
export interface Pause {
  /** Where on the timeline. */
  readonly at: number;
  /** How long it was. */
  readonly seconds: number;
}

export interface Timeline {
  /** By their start. Of a point that was run several times, the last. */
  readonly runs: readonly Run[];
  readonly lanes: number;
  /** Seconds from the first start to the last end, pauses cut short. */
  readonly span: number;
  readonly pauses: readonly Pause[];
  /** Milliseconds since 1970 (UTC) of the first start. */
  readonly origin: number;
}

type PlainRun = Omit<Run, 'lane'>;

export function timelineOf(columns: readonly ReportColumn[], rows: number): Timeline {
  const { runs, origin } = plainRuns(columns, rows);
  const { shorten, pauses } = shortPauses(runs);
  const moved = runs.map(({ start, ends, ...rest }) => ({
    ...rest,
    start: shorten(start),
    ends: ends.map((end) => end + shorten(start) - start),
  }));
  const laned = withLanes(moved);
  const lanes = laned.reduce((most, { lane }) => Math.max(most, lane + 1), 0);
  return { runs: laned, lanes, span: lastEnd(moved), pauses, origin };
}

const endOf = ({ ends, start }: PlainRun) => ends.at(-1) ?? start;
const lastEnd = (runs: readonly PlainRun[]) => runs.reduce((last, run) => Math.max(last, endOf(run)), 0);

function plainRuns(
  columns: readonly ReportColumn[],
  rows: number,
): { runs: readonly PlainRun[]; origin: number } {
  const started = columnNamed(columns, 'gva_started');
  const total = columnNamed(columns, 'gva_total_s');
  const state = columnNamed(columns, 'gva_state');
  if (!started || !total) return { runs: [], origin: 0 };
  const parts = ['stage', 'boot', 'script', 'shutdown'].map((name) => columnNamed(columns, `gva_${name}_s`));
  const runs: PlainRun[] = [];
  let origin = Infinity;
  for (let row = 0; row < rows; row++) {
    const [start, length] = [cellNumber(started, row), cellNumber(total, row)];
    if (Number.isNaN(start) || Number.isNaN(length)) continue;
    origin = Math.min(origin, start);
    // Tables of earlier versions do not have the first.
    const lengths = parts.map((part, index) => (part ? cellNumber(part, row) : index === 0 ? 0 : NaN));
    const ends = phaseEnds(lengths, length);
    runs.push({ row, state: stateOf(state ? cellText(state, row) : ''), start, ends });
  }
  const since = runs.map(({ start, ends, ...rest }) => {
    const seconds = (start - origin) / 1000;
    return { ...rest, start: seconds, ends: ends.map((end) => seconds + end) };
  });
  return { runs: since.sort((a, b) => a.start - b.start), origin: runs.length > 0 ? origin : 0 };
}

/** A phase whose end is not known went on to the end of all. */
function phaseEnds(lengths: readonly number[], total: number): number[] {
  let at = 0;
  const ends = lengths.map((length) => (at = Number.isNaN(length) ? total : Math.min(total, at + length)));
  return [...ends, total];
}

/** Pauses are longer than this part of the time in which something ran, and are shown as so much of it. */
const longPause = 0.15;
const shownPause = 0.02;

/** Where the times of a timeline are, when pauses are cut. */
function shortPauses(runs: readonly PlainRun[]): { shorten: (time: number) => number; pauses: Pause[] } {
  const gaps: { from: number; to: number }[] = [];
  let [busy, end] = [0, 0];
  for (const run of runs) {
    if (run.start > end) gaps.push({ from: end, to: run.start });
    busy += Math.max(0, endOf(run) - Math.max(end, run.start));
    end = Math.max(end, endOf(run));
  }
  const shown = busy * shownPause;
  const long = gaps.filter(({ from, to }) => to - from > busy * longPause);
  let cut = 0;
  const steps = long.map(({ from, to }) => {
    const at = from - cut + shown / 2;
    cut += to - from - shown;
    return { to, cut, pause: { at, seconds: to - from } };
  });
  const shorten = (time: number) => time - (steps.findLast(({ to }) => time >= to)?.cut ?? 0);
  return { shorten, pauses: steps.map(({ pause }) => pause) };
}

/** Each run gets the first lane that is free. @param runs by their start */
function withLanes(runs: readonly PlainRun[]): Run[] {
  const free: number[] = [];
  return runs.map((run) => {
    let lane = free.findIndex((end) => end <= run.start);
    if (lane < 0) lane = free.length;
    free[lane] = endOf(run);
    return { ...run, lane };
  });
}

/** How many instances were in each phase, on average over each of the bins that the span is divided into. */
export function concurrency({ runs, span }: Timeline, bins: number): Record<Phase, Float64Array> {
  const sums = Object.fromEntries(phases.map((phase) => [phase, new Float64Array(bins)])) as Record<
    Phase,
    Float64Array
  >;
  const width = span / bins || 1;
  for (const { start, ends } of runs) {
    let from = start;
    for (const [index, phase] of phases.entries()) {
      const to = ends[index] ?? from;
      addTo(sums[phase], from / width, to / width);
      from = to;
    }
  }
  return sums;
}

/** Adds 1 to the bins between two places, and parts of it at the ends. */
function addTo(bins: Float64Array, from: number, to: number): void {
  const last = bins.length - 1;
  for (let bin = Math.max(0, Math.floor(from)); bin <= Math.min(last, Math.floor(to)); bin++)
    bins[bin] = (bins[bin] ?? 0) + Math.max(0, Math.min(to, bin + 1) - Math.max(from, bin));
}
