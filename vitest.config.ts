import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

// Tests that boot guests run one file at a time: a loaded machine must never decide a result.
export default defineConfig({
  test: {
    // Vitest would leave one processor idle.
    maxWorkers: availableParallelism(),
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/vm/**'],
          testTimeout: 60_000,
          isolate: false,
        },
      },
      {
        test: {
          name: 'vm',
          include: ['test/vm/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
