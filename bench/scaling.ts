import type { Benchmark, Figure } from './benchmark.js';
import { growth, remedies, variations } from './simulation/cases.js';
import type { Outcome } from './simulation/model.js';
import { simulate } from './simulation/simulate.js';

/** From one machine to ten thousand nodes: computed, not measured, and the same each time. */
export const scaling: Benchmark = {
  name: 'scaling',
  title: 'sweeps on sites of all sizes, simulated with what was measured here',
  onlyNamed: true,
  run: () => {
    const cases = [...growth, ...remedies, ...variations];
    return Promise.resolve(
      cases.flatMap(({ name, work, site, costs }) => figuresOf(name, simulate(work, site, costs, 1))),
    );
  },
};

export const busyParts = ['slots', 'client', 'scheduler', 'operations', 'bytes'] as const;

export function figuresOf(name: string, outcome: Outcome): Figure[] {
  const { seconds, idealSeconds, busy, computed, done } = outcome;
  const figure = (what: string, unit: Figure['unit'], value: number): Figure => ({
    ...{ what: `${name}: ${what}`, unit, samples: [value] },
  });
  return [
    figure('ideal', 's', idealSeconds),
    figure('all of it', 's', seconds),
    figure('computed / points', 'x', computed / done),
    ...busyParts.map((part) => figure(`${part} busy`, 'x', busy[part])),
  ];
}
