import type { ParameterDeclaration, ParameterValue, ParameterValues } from '../../model/parameter.js';
import { GvaError, messageOf } from '../../system/errors.js';
import { type Variable, compileCondition } from '../plan/expression.js';
import { functionTypes } from '../plan/operators.js';

/** How many points may fail before the sweep stops: a number, or a part of those that ended. */
export type FailureLimit = { readonly count: number } | { readonly percent: number };

/** Points that have to end before a percentage means something. */
const leastEnded = 20;
/** Points that have to be done before a name that none of them knows is told as a slip. */
const enoughDone = 10;
/** Names of columns that are told. */
const mostTold = 20;

/** How the sweep stands: final ends of points in this run, what is left, seconds since it began. */
export interface StopCounts {
  readonly done: number;
  readonly failed: number;
  readonly lost: number;
  readonly pending: number;
  /** Of the plan. */
  readonly points: number;
  readonly seconds: number;
}

/** A point that has just ended, for good. */
export interface EndedPoint {
  readonly parameters: ParameterValues;
  /** What its program left for the table of results. */
  readonly data?: Readonly<Record<string, unknown>>;
}

/**
 * `10` or `5%`.
 *
 * @throws GvaError MAX_FAILURES
 */
export function parseFailureLimit(text: string): FailureLimit {
  const match = /^\s*(\d+(?:\.\d+)?)\s*(%?)\s*$/.exec(text);
  const value = Number(match?.[1]);
  if (match?.[2] === '%' && value > 0 && value <= 100) return { percent: value };
  if (match?.[2] === '' && Number.isSafeInteger(value) && value > 0) return { count: value };
  throw new GvaError('MAX_FAILURES', `"${text}" is no number of failures`, {
    hint: 'Give a number from 1, or a part of the points that ended, from above 0% to 100%: --max-failures 5%',
  });
}

export interface StopWishes {
  readonly maxFailures?: FailureLimit | undefined;
  /** An expression of `--stop-when`. */
  readonly when?: string | undefined;
  readonly parameters?: readonly Pick<ParameterDeclaration, 'name' | 'type'>[];
}

/**
 * When a sweep stops before its end. `maxFailures`: as soon as so many points have failed or are lost for good; a
 * percentage is of those that ended, once 20 have. `when`: an expression of plans, looked at each time a point ends,
 * in which a name is one of
 *
 * - `done failed lost pending points seconds`, the sweep's own, which go before all others;
 * - a parameter: its value of the point that ended;
 * - anything else: a column of what the program of that point left (`result.json` and the like), as a number; true
 *   and false are 1 and 0. Where the point has no such number, the whole condition does not hold.
 */
export class StopConditions {
  readonly #maxFailures: FailureLimit | undefined;
  readonly #when: string;
  readonly #holds: ((context: Context) => boolean) | undefined;
  readonly #columns: ReadonlySet<string>;
  readonly #unseen: Set<string>;
  /** Some of the columns that points had. */
  readonly #had = new Set<string>();
  #done = 0;
  #warned = false;

  /** @throws GvaError STOP_WHEN */
  constructor({ maxFailures, when, parameters = [] }: StopWishes) {
    this.#maxFailures = maxFailures;
    this.#when = when ?? '';
    const variables = new Variables(parameters);
    if (when !== undefined) this.#holds = compile(when, variables);
    this.#columns = variables.columns;
    this.#unseen = new Set(variables.columns);
  }

  /** What is to be said of columns that the expression names and no point has had: mistyped, maybe. A sentence. */
  get warning(): string | undefined {
    if (this.#unseen.size === 0 || this.#done === 0) return undefined;
    const had = [...this.#had].join(', ');
    return (
      `--stop-when names ${[...this.#unseen].join(', ')}, which no point has left as a number so far ` +
      `(${this.#done} done): it cannot hold. What they have left: ${had === '' ? 'nothing' : had}`
    );
  }

  /** The same, once, as soon as enough points are done. */
  takeEarlyWarning(): string | undefined {
    if (this.#warned || this.#done < enoughDone) return undefined;
    this.#warned = true;
    return this.warning;
  }

  /** Why the sweep has to stop, as a sentence without its full stop; undefined where it goes on. */
  check(counts: StopCounts, point: EndedPoint): string | undefined {
    return this.#failures(counts) ?? this.#condition(counts, point);
  }

  #failures({ done, failed, lost }: StopCounts): string | undefined {
    const limit = this.#maxFailures;
    const [bad, ended] = [failed + lost, done + failed + lost];
    if (limit === undefined || bad === 0) return undefined;
    const points = `${bad} point${bad === 1 ? '' : 's'} failed`;
    if ('count' in limit) return bad >= limit.count ? `${points} (--max-failures ${limit.count})` : undefined;
    const reached = ended >= leastEnded && bad * 100 >= limit.percent * ended;
    return reached ? `${points} of ${ended} that ended (--max-failures ${limit.percent}%)` : undefined;
  }

  #condition(counts: StopCounts, point: EndedPoint): string | undefined {
    if (!this.#holds) return undefined;
    this.#done = counts.done;
    for (const name of Object.keys(point.data ?? {})) if (this.#had.size < mostTold) this.#had.add(name);
    let complete = true;
    for (const name of this.#columns)
      if (Number.isNaN(columnOf(point, name))) complete = false;
      else this.#unseen.delete(name);
    if (!complete || !this.#holds({ counts, point })) return undefined;
    return `${this.#when.trim()} holds (--stop-when)`;
  }
}

interface Context {
  readonly counts: StopCounts;
  readonly point: EndedPoint;
}

const countNames = ['done', 'failed', 'lost', 'pending', 'points', 'seconds'] as const;

/** Every name is known; those that are neither counts nor parameters are remembered. */
class Variables extends Map<string, Variable<Context>> {
  readonly columns = new Set<string>();

  constructor(parameters: readonly Pick<ParameterDeclaration, 'name' | 'type'>[]) {
    super();
    for (const { name, type } of parameters) this.set(name, parameterVariable(name, type));
    for (const name of countNames) this.set(name, { type: 'number', read: ({ counts }) => counts[name] });
  }

  override get(name: string): Variable<Context> | undefined {
    const known = super.get(name);
    if (known || functionTypes.has(name)) return known;
    this.columns.add(name);
    return { type: 'number', read: ({ point }) => columnOf(point, name) };
  }
}

function parameterVariable(name: string, declared: ParameterDeclaration['type']): Variable<Context> {
  const type = declared === 'string' ? 'string' : declared === 'bool' ? 'boolean' : 'number';
  const none: ParameterValue = type === 'number' ? NaN : type === 'string' ? '' : false;
  return { type, read: ({ point }) => point.parameters[name] ?? none };
}

/** NaN where the point has no such number. Programs that write CSV or lines leave numbers as text. */
function columnOf({ data }: EndedPoint, name: string): number {
  const value = data && Object.hasOwn(data, name) ? data[name] : undefined;
  if (typeof value === 'string') return value.trim() === '' ? NaN : Number(value);
  return typeof value === 'number' || typeof value === 'boolean' ? Number(value) : NaN;
}

function compile(text: string, variables: Variables): (context: Context) => boolean {
  try {
    return compileCondition(text, variables);
  } catch (error) {
    const about = `the condition of --stop-when ${messageOf(error)}`;
    throw new GvaError('STOP_WHEN', about, {
      hint: `Of the sweep it may name ${countNames.join(', ')}; other names are parameters and results of the point that ended.`,
      cause: error,
    });
  }
}
