import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** Tests that replace modules need a process of their own. */
const mocking = ['test/disk/fuzz.test.ts'];

/** What is tested are words; whoever runs the tests may have asked for colours. */
const setupFiles = ['test/support/no-colours.ts'];

export default defineConfig({
  test: {
    // Vitest would leave one processor idle.
    maxWorkers: availableParallelism(),
    projects: [
      {
        test: {
          name: 'unit',
          setupFiles,
          include: ['test/**/*.test.ts'],
          exclude: ['test/vm/**', ...mocking],
          testTimeout: 60_000,
          // The files share their processes: a third of the time was loading the same modules again.
          isolate: false,
        },
      },
      { test: { name: 'unit-mocking', setupFiles, include: mocking, testTimeout: 60_000 } },
      {
        // Tests that boot guests run one file at a time: a loaded machine must never decide a result.
        test: {
          name: 'vm',
          setupFiles,
          include: ['test/vm/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
