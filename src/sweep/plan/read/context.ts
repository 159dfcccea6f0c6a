import type { ParameterDeclaration, ParameterValue } from '../../../model/parameter.js';
import type { Part } from '../concatenation.js';
import type { Entry } from '../entry.js';
import type { Mistakes } from '../mistakes.js';
import type { AxisContext } from '../read-axis.js';

/** What the parts of a plan are read with. */
export interface PlanContext extends AxisContext {
  /** In the order of declaration. */
  readonly parameters: readonly ParameterDeclaration[];
  /** What to say of a name that is no parameter's. */
  readonly unknown: (name: string) => string;
  readonly mistakes: Mistakes;
  /** Reads another plan that this one joins; undefined, and told, where it cannot be. */
  join(path: string, entry: Entry): Promise<Part | undefined>;
  /** A place in `Row.origins` of its own. */
  newPlace(): number;
}

/** The number of the parameter; -1, and told, where there is none of that name. */
export function numberOf(name: string, entry: Entry, { parameters, unknown }: PlanContext): number {
  const number = parameters.findIndex((parameter) => parameter.name === name);
  if (number < 0) entry.failName(unknown(name));
  return number;
}

/** The defaults of these parameters; undefined, and told, where one has none. */
export function defaultsOf(
  numbers: Iterable<number>,
  entry: Entry,
  { parameters }: Pick<PlanContext, 'parameters'>,
): { number: number; value: ParameterValue }[] | undefined {
  const found = [...numbers].map((number) => ({ number, value: parameters[number]?.default }));
  const missing = found.filter(({ value }) => value === undefined);
  for (const { number } of missing)
    entry.fail(`${parameters[number]?.name ?? ''} is missing, and has no default`);
  return missing.length > 0 ? undefined : found.map(({ number, value }) => ({ number, value: value ?? '' }));
}
