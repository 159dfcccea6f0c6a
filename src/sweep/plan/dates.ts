import type { ParameterDeclaration } from '../../model/parameter.js';
import { type Axis, withinDeclared } from './axis.js';
import type { Entry } from './entry.js';
import { shown } from './numbers.js';

const form = '[FIRST, LAST] or [FIRST, LAST, STEP], as [2026-01-01, 2026-12-31, 7d]';

/**
 * Dates (ISO 8601: 2026-01-31, 2026-01-31T06:00, 2026-01-31T06:00:00Z) for a string parameter, in the form of the
 * first; undefined, and told, where it is none. There are no time zones: a day has 24 hours.
 */
export function readDates(declaration: ParameterDeclaration, dates: Entry): Axis | undefined {
  if (declaration.type !== 'string') return dates.fail(`dates are for strings, not for ${declaration.type}`);
  const items: unknown = dates.value;
  if (!Array.isArray(items) || items.length < 2 || items.length > 3) return dates.fail(`must be ${form}`);
  const first = readDate(dates.at(0));
  const last = readDate(dates.at(1));
  const step = readStep(items.length === 3 ? dates.at(2) : undefined, dates);
  if (!first || !last || !step) return undefined;
  if (first.length !== last.length) return dates.fail('FIRST and LAST must be of the same form');
  if (step.milliseconds % 86_400_000 !== 0 && first.length === dateLength)
    return dates.at(2).fail('a step of less than a day needs dates with a time, as 2026-01-31T06:00');
  const axis = dateAxis(first, last, step);
  if (axis.count < 1n) return dates.fail(`goes the wrong way: the steps lead away from ${first.text}`);
  return withinDeclared(declaration, axis, dates) ? axis : undefined;
}

interface Moment {
  readonly text: string;
  /** Characters of the form it is written in, without the Z. */
  readonly length: number;
  readonly milliseconds: number;
}

const dateLength = '2026-01-31'.length;

function readDate(entry: Entry): Moment | undefined {
  const text = entry.value;
  const match = typeof text === 'string' ? /^(\d{4}-\d\d-\d\d)(T\d\d:\d\d(?::\d\d)?)?(Z?)$/.exec(text) : null;
  if (!match || typeof text !== 'string')
    return entry.fail(`must be a date such as 2026-01-31 or 2026-01-31T06:00, not ${shown(text)}`);
  const length = text.length - (match[3] ?? '').length;
  const milliseconds = Date.parse(
    match[2] === undefined ? `${match[1] ?? ''}T00:00Z` : `${text.slice(0, length)}Z`,
  );
  // Date.parse takes February 30 for March 2.
  if (Number.isNaN(milliseconds) || !new Date(milliseconds).toISOString().startsWith(text.slice(0, length)))
    return entry.fail(`there is no ${text}`);
  return { text, length, milliseconds };
}

/** Either is 0. */
interface Step {
  readonly milliseconds: number;
  readonly months: number;
}

const units: Record<string, Partial<Step>> = {
  s: { milliseconds: 1000 },
  min: { milliseconds: 60_000 },
  h: { milliseconds: 3_600_000 },
  d: { milliseconds: 86_400_000 },
  w: { milliseconds: 7 * 86_400_000 },
  month: { months: 1 },
  months: { months: 1 },
  y: { months: 12 },
};

function readStep(entry: Entry | undefined, dates: Entry): Step | undefined {
  const text = entry === undefined ? '1d' : entry.value;
  const match = typeof text === 'string' ? /^(-?\d{1,6}) ?([a-z]+)$/.exec(text) : null;
  const unit = units[match?.[2] ?? ''];
  const number = Number(match?.[1]);
  if (unit && number !== 0)
    return { milliseconds: number * (unit.milliseconds ?? 0), months: number * (unit.months ?? 0) };
  (entry ?? dates).fail(
    `the step must be such as 7d, 1 month or 6h (s, min, h, d, w, month, y), not ${shown(text)}`,
  );
}

function dateAxis(first: Moment, last: Moment, step: Step): Axis {
  const ahead = step.milliseconds + step.months > 0;
  const at = (index: number) => momentAt(first.milliseconds, step, index);
  const within = (index: number) => (ahead ? at(index) <= last.milliseconds : at(index) >= last.milliseconds);
  const distance = last.milliseconds - first.milliseconds;
  // No month is longer than 31 days, so that there are at least so many.
  const guess = Math.floor(
    distance / (step.months === 0 ? step.milliseconds : step.months * 31 * 86_400_000),
  );
  let steps = Math.max(0, guess);
  while (within(steps + 1)) steps++;
  const count = within(0) ? BigInt(steps + 1) : 0n;
  const zone = first.text.slice(first.length);
  return { count, at: (index) => new Date(at(index)).toISOString().slice(0, first.length) + zone };
}

/** Months are counted from the first date; the 31st of a shorter month is its last day. */
function momentAt(first: number, { milliseconds, months }: Step, index: number): number {
  if (months === 0) return first + index * milliseconds;
  const date = new Date(first);
  const day = date.getUTCDate();
  date.setUTCDate(1);
  date.setUTCMonth(date.getUTCMonth() + index * months);
  const lastDay = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  return date.setUTCDate(Math.min(day, lastDay));
}
