import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/**
 * Tests that boot real guests, start Slurm's daemons, drive a browser, measure, or kill processes at random: two files
 * at a time, for many of them wait for a cluster or a time limit; and only when all others are through.
 */
const heavy = [
  'test/vm/**/*.test.ts',
  'test/slurm/**/*.test.ts',
  'test/fault/**/*.test.ts',
  'test/vmm/doctor/measure.test.ts',
  'test/examples/**/*.test.ts',
  'test/report/browser.test.ts',
  'test/report/live-page.test.ts',
];

/** Damaged input by the hundred; one of them replaces modules, which needs a process of its own. */
const fuzz = ['test/**/*fuzz.test.ts', 'test/ovf/hostile-descriptors.test.ts'];

/** What is tested are words; whoever runs the tests may have asked for colours. */
const setupFiles = ['test/support/no-colours.ts'];

export default defineConfig({
  test: {
    // Many tests wait for processes of theirs; Vitest would even leave one processor idle.
    maxWorkers: availableParallelism() + 1,
    projects: [
      {
        test: {
          name: 'unit',
          setupFiles,
          include: ['test/**/*.test.ts'],
          exclude: [...heavy, ...fuzz],
          testTimeout: 60_000,
          // The files share their processes: a third of the time was loading the same modules again.
          isolate: false,
        },
      },
      { test: { name: 'fuzz', setupFiles, include: fuzz, testTimeout: 60_000 } },
      {
        // A loaded machine must never decide a result.
        test: {
          name: 'vm',
          setupFiles,
          include: heavy,
          testTimeout: 300_000,
          hookTimeout: 300_000,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
