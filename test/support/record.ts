import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Reporter, TestModule } from 'vitest/node';
import { type LongResult, type LongResults, longResultsFile } from '../../tools/long-results.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

const readResults = (): LongResults =>
  existsSync(longResultsFile) ? (JSON.parse(readFileSync(longResultsFile, 'utf8')) as LongResults) : {};

/**
 * Keeps the outcome of the long tests in test/long-results.json: of each test when it ran, how long, how it ended. Tests
 * that were not run keep their last record, as long as there is a test of that name in their file.
 */
export default class RecordReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const files = { ...readResults() };
    for (const module of modules) {
      const file = relative(root, module.moduleId);
      files[file] = resultsOf(module, files[file] ?? []);
    }
    const sorted = Object.fromEntries(Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1)));
    writeFileSync(longResultsFile, `${JSON.stringify(sorted, null, 2)}\n`);
  }
}

function resultsOf(module: TestModule, before: readonly LongResult[]): LongResult[] {
  const date = new Date().toISOString().slice(0, 10);
  return [...module.children.allTests()].flatMap((test) => {
    const name = test.fullName;
    const { state } = test.result();
    const seconds = Math.round((test.diagnostic()?.duration ?? 0) / 1000);
    if (state === 'skipped') return before.filter((each) => each.name === name);
    return { name, date, node: process.version, state, seconds };
  });
}
