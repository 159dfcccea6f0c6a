import { formatNumber, formatSeconds } from './numbers.js';

/** From values to pixels. */
export interface Scale {
  readonly at: (value: number) => number;
  readonly ticks: readonly Tick[];
  /** Pixels that a value has for itself; 0 on a continuous scale. */
  readonly band: number;
}

export interface Tick {
  readonly value: number;
  readonly label: string;
}

/** How values of an axis are written. */
export type Format = (value: number) => string;

/** A round step that gives about so many ticks. */
export function roundStep(span: number, ticks: number): number {
  const raw = span / Math.max(1, ticks);
  const power = 10 ** Math.floor(Math.log10(raw));
  const lead = raw / power;
  const nice = lead < 1.5 ? 1 : lead < 3 ? 2 : lead < 7 ? 5 : 10;
  return nice * power;
}

/** Ends that differ, and round ones where that costs little. */
export function niceDomain(low: number, high: number, ticks = 6): [number, number] {
  if (!(low <= high)) return [0, 1];
  if (low === high) return low === 0 ? [-1, 1] : [low - Math.abs(low) / 2, high + Math.abs(high) / 2];
  const step = roundStep(high - low, ticks);
  return [Math.floor(low / step + 1e-9) * step, Math.ceil(high / step - 1e-9) * step];
}

export function linearScale(
  [low, high]: readonly [number, number],
  [from, to]: readonly [number, number],
  { count = 6, format }: { readonly count?: number; readonly format?: Format | undefined } = {},
): Scale {
  const slope = high === low ? 0 : (to - from) / (high - low);
  const step = roundStep(high - low, count);
  const ticks: Tick[] = [];
  const first = Math.ceil(low / step - 1e-9);
  for (let index = first; index * step <= high + step * 1e-9 && ticks.length < 50; index++) {
    const value = Number((index * step).toPrecision(12));
    ticks.push({ value, label: format ? format(value) : labelOf(value, step) });
  }
  return { at: (value) => from + (value - low) * slope, ticks, band: 0 };
}

/** With the digits that tell ticks apart. */
function labelOf(value: number, step: number): string {
  const size = Math.abs(value);
  if (size >= 1e6 || (value !== 0 && size < 1e-3)) return formatNumber(value, 3);
  const decimals = Math.max(0, Math.min(6, -Math.floor(Math.log10(step) + 1e-9)));
  return Number.isInteger(value) && size >= 1000 ? formatNumber(value, 7) : value.toFixed(decimals);
}

/** @param low more than 0, as is `high` */
export function logScale(
  [low, high]: readonly [number, number],
  [from, to]: readonly [number, number],
  format: Format = (value) => formatNumber(value, 3),
): Scale {
  const [first, last] = [Math.floor(Math.log10(low) + 1e-9), Math.ceil(Math.log10(high) - 1e-9)];
  const end = Math.max(last, first + 1);
  const at = (value: number) =>
    value > 0 ? from + ((Math.log10(value) - first) / (end - first)) * (to - from) : NaN;
  const decades = end - first;
  const within = decades <= 2 ? [1, 2, 5] : [1];
  const every = Math.max(1, Math.ceil(decades / 8));
  const ticks: Tick[] = [];
  for (let power = first; power <= end; power += every)
    for (const lead of power === end ? [1] : within) {
      const value = Number(`${lead}e${power}`);
      ticks.push({ value, label: format(value) });
    }
  return { at, ticks, band: 0 };
}

/** For values 0, 1, 2... that stand for the labels, each with a band of its own. */
export function bandScale(labels: readonly string[], [from, to]: readonly [number, number]): Scale {
  const band = (to - from) / Math.max(1, labels.length);
  // No more labels than there is room for.
  const every = Math.max(1, Math.ceil(14 / Math.max(0.01, Math.abs(band))));
  const ticks = labels.flatMap((label, value) => (value % every === 0 ? [{ value, label }] : []));
  return { at: (value) => from + (value + 0.5) * band, ticks, band: Math.abs(band) };
}

/** For seconds since the beginning of something. */
export function durationScale(
  [low, high]: readonly [number, number],
  range: readonly [number, number],
  count = 6,
): Scale {
  const raw = (high - low) / count;
  const step = durationSteps.find((each) => each >= raw) ?? roundStep(high - low, count);
  const base = linearScale([low, high], range);
  const ticks: Tick[] = [];
  for (let index = Math.ceil(low / step - 1e-9); index * step <= high + step * 1e-9; index++) {
    if (ticks.length > 60) break;
    ticks.push({ value: index * step, label: index === 0 ? '0' : formatSeconds(index * step) });
  }
  return { ...base, ticks };
}

const durationSteps = [
  ...[0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30],
  ...[60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800],
];

/** Smallest and largest finite value; undefined where there is none. */
export function extentOf(values: ArrayLike<number>, positive = false): [number, number] | undefined {
  let [low, high] = [Infinity, -Infinity];
  for (let index = 0; index < values.length; index++) {
    const value = values[index] ?? NaN;
    if (!Number.isFinite(value) || (positive && value <= 0)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? [low, high] : undefined;
}
