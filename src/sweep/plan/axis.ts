import { type ParameterDeclaration, type ParameterValue, parameterProblem } from '../../model/parameter.js';
import type { Entry } from './entry.js';
import { type Group, computedGroup } from './row.js';

/** The values that one parameter takes, in order. */
export interface Axis {
  readonly count: bigint;
  /** @param index from 0, below `count` */
  readonly at: (index: number) => ParameterValue;
  /** Set where values so close together may be equal as numbers. */
  readonly mayRepeat?: true;
}

export function listAxis(values: readonly ParameterValue[]): Axis {
  return { count: BigInt(values.length), at: (index) => values[index] as ParameterValue };
}

/** @param number of the parameter */
export function axisGroup(number: number, axis: Axis): Group {
  return computedGroup(new Set([number]), axis.count, axis.mayRepeat !== true, (index, row) => {
    row.values[number] = axis.at(index);
  });
}

/**
 * Tells where a run of values leaves what is declared, at the entries that its ends are from. A run within the
 * limits may still miss the declared values; the first miss is enough to say.
 */
export function withinDeclared(
  declaration: ParameterDeclaration,
  axis: Axis,
  run: Entry,
  [first, last]: readonly [Entry, Entry] = [run.at(0), run.at(1)],
): boolean {
  if (axis.count > BigInt(Number.MAX_SAFE_INTEGER)) return true;
  const end = Number(axis.count) - 1;
  const ends = [
    { place: first, name: 'first', value: axis.at(0) },
    ...(end > 0 ? [{ place: last, name: 'last', value: axis.at(end) }] : []),
  ];
  let good = true;
  for (const { place, name, value } of ends) {
    const problem = parameterProblem(declaration, value);
    if (problem === undefined) continue;
    place.fail(`its ${name} value, ${value}, ${problem}`);
    good = false;
  }
  return good && innerValuesDeclared(declaration, axis, end, run);
}

function innerValuesDeclared(
  declaration: ParameterDeclaration,
  axis: Axis,
  end: number,
  run: Entry,
): boolean {
  if (!declaration.values) return true;
  // Distinct values, so that one beyond the number of those allowed is a miss at the latest.
  for (let index = 1; index < end && index <= declaration.values.length; index++) {
    const problem = parameterProblem(declaration, axis.at(index));
    if (problem === undefined) continue;
    run.fail(`its value ${axis.at(index)} ${problem}`);
    return false;
  }
  return true;
}
