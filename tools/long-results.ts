import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { packageRoot } from '../src/system/package.js';
import { formatDuration } from '../src/system/units.js';
import type { GeneratedPage } from './page.js';

export const longResultsFile = join(packageRoot, 'test/long-results.json');

/** Of one test in its long form, when it was run the last time. */
export interface LongResult {
  readonly name: string;
  /** YYYY-MM-DD, UTC. */
  readonly date: string;
  readonly node: string;
  readonly state: string;
  readonly seconds: number;
}

/** By files of tests. */
export type LongResults = Readonly<Record<string, readonly LongResult[]>>;

/** Files of tests that have a long form, as `npm run test:long` finds them. */
async function longTests(): Promise<string[]> {
  const found: string[] = [];
  for (const name of await readdir(join(packageRoot, 'test'), { recursive: true })) {
    if (!name.endsWith('.test.ts')) continue;
    const text = await readFile(join(packageRoot, 'test', name), 'utf8');
    if (text.includes('GVA_LONG')) found.push(`test/${name}`);
  }
  return found.sort();
}

function rowOf(file: string, tests: readonly LongResult[]): string {
  if (tests.length === 0) return `| \`${file}\` | | | | not recorded |`;
  const dates = [...new Set(tests.map(({ date }) => date))].sort();
  const when = dates.length > 1 ? `${dates[0]} - ${dates.at(-1)}` : dates[0];
  const seconds = tests.reduce((sum, test) => sum + test.seconds, 0);
  const wrong = tests.filter(({ state }) => state !== 'passed').map(({ name }) => name);
  const end = wrong.length === 0 ? 'all passed' : `**${wrong.length} failed:** ${wrong.join('; ')}`;
  return `| \`${file}\` | ${tests.length} | ${when} | ${formatDuration(seconds)} | ${end} |`;
}

/** What came of each long form. */
export const longResultsPart: GeneratedPage = {
  file: 'docs/reliability.md',
  part: 'long results',
  text: async () => {
    const results = JSON.parse(await readFile(longResultsFile, 'utf8')) as LongResults;
    const rows = (await longTests()).map((file) => rowOf(file, results[file] ?? []));
    return ['| file | tests | last run | took | result |', '| --- | --- | --- | --- | --- |', ...rows].join(
      '\n',
    );
  },
};
