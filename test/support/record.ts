import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Reporter, TestModule } from 'vitest/node';

const root = fileURLToPath(new URL('../..', import.meta.url));
const place = new URL('../long-results.json', import.meta.url);

/** Of one file of tests, when it was run the last time. */
interface FileRecord {
  readonly date: string;
  readonly node: string;
  readonly tests: readonly { readonly name: string; readonly state: string; readonly seconds: number }[];
}

/**
 * Keeps the outcome of the long tests in test/long-results.json: of each file what ran, when, how long, how it ended. Files
 * that were not run keep their last record.
 */
export default class RecordReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const files = existsSync(place)
      ? (JSON.parse(readFileSync(place, 'utf8')) as Record<string, FileRecord>)
      : {};
    for (const module of modules) files[relative(root, module.moduleId)] = recordOf(module);
    const sorted = Object.fromEntries(Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1)));
    writeFileSync(place, `${JSON.stringify(sorted, null, 2)}\n`);
  }
}

function recordOf(module: TestModule): FileRecord {
  const ran = [...module.children.allTests()].filter((test) => test.result().state !== 'skipped');
  const tests = ran.map((test) => ({
    name: test.fullName,
    state: test.result().state,
    seconds: Math.round((test.diagnostic()?.duration ?? 0) / 1000),
  }));
  return { date: new Date().toISOString().slice(0, 10), node: process.version, tests };
}
