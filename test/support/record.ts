import { writeFileSync } from 'node:fs';
import type { Reporter, TestModule } from 'vitest/node';

/** Keeps the outcome of the long tests in test/long-results.json: what ran, when, how long, how it ended. */
export default class RecordReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const tests = modules.flatMap((module) =>
      [...module.children.allTests()].map((test) => ({
        name: test.fullName,
        state: test.result().state,
        seconds: Math.round((test.diagnostic()?.duration ?? 0) / 1000),
      })),
    );
    const record = { date: new Date().toISOString().slice(0, 10), node: process.version, tests };
    writeFileSync(new URL('../long-results.json', import.meta.url), `${JSON.stringify(record, null, 2)}\n`);
  }
}
