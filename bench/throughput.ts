import { rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { type Benchmark, type Figure, ratios } from './benchmark.js';
import { writeEmptyAppliance } from './empty-appliance.js';
import { execute, inTemporaryFolder } from './gva.js';
import { busyProcessors, busySeconds, quietHost } from './host-load.js';
import { packageRoot } from '../src/system/paths.js';

const points = 60;
const pairs = 7;
/** Processors that others may keep busy while a pair counts. */
const quiet = 0.1;

/** Cold instances of an appliance that does nothing, one after another and two at a time. */
export const throughput: Benchmark = {
  name: 'throughput',
  title: `a sweep of ${points} points that do nothing, cold, under User-mode Linux, whole command`,
  run: () => inTemporaryFolder(measure),
};

/** A sweep, per instance. */
interface Cost {
  readonly seconds: number;
  /** Seconds that the host's processors were busy. */
  readonly processor: number;
}

interface Pair {
  readonly one: Cost;
  readonly two: Cost;
  /** Processors that others kept busy before and after. */
  readonly others: number;
}

async function measure(folder: string): Promise<Figure[]> {
  const { plan } = await writeEmptyAppliance(folder, points);
  const out = join(folder, 'out');
  // Other sweeps of the user's would be given a share of the processors.
  const env = { ...process.env, XDG_CACHE_HOME: join(folder, 'cache') };
  const sweep = async (jobs: number): Promise<Cost> => {
    const options = ['--vmm', 'uml', '--out', out, '-j', String(jobs), '--json'];
    const busy = await busySeconds();
    const start = performance.now();
    await execute(join(packageRoot, 'bin/gva'), ['sweep', 'run', plan, ...options], { env });
    const seconds = (performance.now() - start) / 1000 / points;
    const processor = ((await busySeconds()) - busy) / points;
    await rm(out, { recursive: true });
    return { seconds, processor };
  };
  await sweep(2);
  return figures(await measurePairs(sweep));
}

/** Pairs in turn; those that others disturbed are made again, unless they always do. */
async function measurePairs(sweep: (jobs: number) => Promise<Cost>): Promise<Pair[]> {
  const all: Pair[] = [];
  const undisturbed = () => all.filter(({ others }) => others <= quiet);
  while (undisturbed().length < pairs && all.length < 3 * pairs) {
    const before = await quietHost(quiet);
    // Each is first as often as second.
    const swapped = all.length % 2 === 1;
    const first = await sweep(swapped ? 2 : 1);
    const second = await sweep(swapped ? 1 : 2);
    const others = Math.max(before, await busyProcessors());
    all.push({ one: swapped ? second : first, two: swapped ? first : second, others });
  }
  return undisturbed().length < 5 ? all : undisturbed();
}

function figures(measured: readonly Pair[]): Figure[] {
  const [one, two] = [measured.map((pair) => pair.one), measured.map((pair) => pair.two)];
  const seconds = (costs: readonly Cost[]) => costs.map((cost) => cost.seconds);
  const processor = (costs: readonly Cost[]) => costs.map((cost) => cost.processor);
  const inUse = (costs: readonly Cost[]) => ratios(processor(costs), seconds(costs));
  return [
    { what: 'per instance, -j 1', unit: 's', samples: seconds(one) },
    { what: 'per instance, -j 2 (0.5 s are 120 a minute)', unit: 's', samples: seconds(two), target: 0.5 },
    {
      what: 'throughput at -j 1 / at -j 2 (1/1.8 at most)',
      unit: 'x',
      samples: ratios(seconds(two), seconds(one)),
      target: 1 / 1.8,
    },
    {
      what: 'the same, if instances took no more processor time at -j 2',
      unit: 'x',
      samples: inUse(one).map((busy) => Math.max(1 / 2, busy / availableParallelism())),
    },
    { what: 'processor time of the host per instance, -j 1', unit: 's', samples: processor(one) },
    { what: 'processor time of the host per instance, -j 2', unit: 's', samples: processor(two) },
    { what: 'busy processors of the host, -j 1', unit: 'x', samples: inUse(one) },
    { what: 'busy processors of the host, -j 2', unit: 'x', samples: inUse(two) },
    {
      what: 'busy processors before and after a pair, by others',
      unit: 'x',
      samples: measured.map(({ others }) => others),
    },
  ];
}
