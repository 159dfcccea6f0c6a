import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { GvaError } from '../src/system/errors.js';
import { joinRuns } from './benchmark.js';
import { benchmarks } from './benchmarks.js';
import { compareResults, findResults } from './compare.js';
import { printComparison, printFigures } from './print.js';
import { writeResult } from './results.js';

// npm run bench [-- NAME...]: each benchmark prints a table and writes bench/results/DATE-NAME.json. Those that take
// many minutes run only where they are named.
//   --list          says which there are
//   --runs N        runs each N times, and puts the samples together
//   --compare A B   runs none: compares two files of results, or all of two days; status 1 where something is worse

async function run(names: readonly string[], runs: number): Promise<void> {
  const unknown = names.filter((name) => !benchmarks.some((benchmark) => benchmark.name === name));
  if (unknown.length > 0) {
    const there = benchmarks.map(({ name }) => name).join(', ');
    throw new GvaError('BENCH_NAME', `no benchmark ${unknown.join(', ')}`, { hint: `There are: ${there}` });
  }
  for (const benchmark of benchmarks) {
    if (names.length > 0 ? !names.includes(benchmark.name) : benchmark.onlyNamed) continue;
    const loadBefore = loadavg();
    const all = [];
    for (let done = 0; done < runs; done++) all.push(await benchmark.run());
    const figures = joinRuns(all);
    printFigures(benchmark, figures);
    await writeResult(benchmark, figures, loadBefore);
  }
}

/** @returns exit status */
async function compare(words: readonly string[]): Promise<number> {
  const [before, after] = words;
  if (before === undefined || after === undefined || words.length > 2)
    throw new GvaError('BENCH_COMPARE', '--compare takes two files of results, or two days');
  const comparisons = compareResults(await findResults(before), await findResults(after));
  printComparison(comparisons);
  const worse = comparisons.filter(({ change }) => change === 'worse').length;
  console.log(`\n${comparisons.length} figures in both, ${worse} of them worse`);
  return worse > 0 ? 1 : 0;
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: {
      list: { type: 'boolean' },
      compare: { type: 'boolean' },
      runs: { type: 'string', default: '1' },
    },
    allowPositionals: true,
  });
  if (values.list) {
    for (const { name, title, onlyNamed } of benchmarks)
      console.log(`${name.padEnd(20)} ${title}${onlyNamed ? ' (only where it is named)' : ''}`);
    return 0;
  }
  if (values.compare) return compare(positionals);
  if (!/^[1-9]\d*$/.test(values.runs))
    throw new GvaError('BENCH_RUNS', `--runs takes a number from 1, not ${values.runs}`);
  await run(positionals, Number(values.runs));
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  const usage =
    error instanceof GvaError ||
    (error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS'));
  if (!usage) throw error;
  console.error(error.message);
  if (error instanceof GvaError && error.hint !== undefined) console.error(error.hint);
  process.exitCode = 2;
}
