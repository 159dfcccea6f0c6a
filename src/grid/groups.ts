import type { Point } from '../model/sweep.js';
import type { GridTally } from './retry.js';

/** A point that is to be submitted, with the identity of its work. */
export interface Due {
  readonly point: Point;
  readonly id: string;
  readonly tally: GridTally;
  /** From 1. */
  readonly attempt: number;
  /** Identity of what stands at its place and has to make way; undefined where nothing does. */
  readonly inTheWay: string | undefined;
}

/** Elements that are given the same resources. */
export interface Group {
  readonly elements: readonly (readonly Due[])[];
  readonly growth: GridTally['growth'];
}

/** Points that may have ended their jobs get one of their own. */
export function groupsOf(due: readonly Due[], bundle: number): Group[] {
  const groups = new Map<
    string,
    { elements: Due[][]; open: Due[] | undefined; growth: GridTally['growth'] }
  >();
  for (const one of due) {
    const { blame, growth } = one.tally;
    const key = `${growth.memory} ${growth.time}`;
    const group = groups.get(key) ?? { elements: [], open: undefined, growth };
    groups.set(key, group);
    if (blame > 0) group.elements.push([one]);
    else if (group.open && group.open.length < bundle) group.open.push(one);
    else group.elements.push((group.open = [one]));
  }
  return [...groups.values()];
}

/** They got more than what a person asked for. */
export const hasGrown = ({ growth }: Group): boolean => growth.memory > 1 || growth.time > 1;

export const pointsOf = ({ elements }: Group): Due[] => elements.flat();
