import { rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { type Benchmark, type Figure, alternate, ratios, timed } from './benchmark.js';
import { writeEmptyAppliance } from './empty-appliance.js';
import { execute, inTemporaryFolder } from './gva.js';
import { busyProcessors, busySeconds, quietHost } from './host-load.js';
import { packageRoot } from '../src/system/package.js';

const points = 16;
const pairs = 5;
/** Processors that others may keep busy while a pair counts. */
const quiet = 0.1;

/** Cold instances of an appliance that does nothing, one after another and two at a time. */
export const throughput: Benchmark = {
  name: 'throughput',
  title: `a sweep of ${points} points that do nothing, cold, whole command`,
  run: async () => [
    ...(await inTemporaryFolder((folder) => measure(folder, 'qemu'))),
    ...(await inTemporaryFolder((folder) => measure(folder, 'uml'))),
    await processesAtOnce(),
  ],
};

type Vmm = 'qemu' | 'uml';

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

async function measure(folder: string, vmm: Vmm): Promise<Figure[]> {
  const { plan } = await writeEmptyAppliance(folder, points);
  const out = join(folder, 'out');
  // Other sweeps of the user's would be given a share of the processors.
  const env = { ...process.env, XDG_CACHE_HOME: join(folder, 'cache') };
  const sweep = async (jobs: number): Promise<Cost> => {
    const options = ['--vmm', vmm, '--start', 'cold', '--out', out, '-j', String(jobs), '--json'];
    const busy = await busySeconds();
    const start = performance.now();
    await execute(join(packageRoot, 'bin/gva'), ['sweep', 'run', plan, ...options], { env });
    const seconds = (performance.now() - start) / 1000 / points;
    const processor = ((await busySeconds()) - busy) / points;
    await rm(out, { recursive: true });
    return { seconds, processor };
  };
  await sweep(2);
  return figures(vmm, await measurePairs(sweep));
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

/**
 * What the host itself gives: processes made and ended by one shell against two shells at once. Each changes page
 * tables, as guests under User-mode Linux do all the time; some virtual hosts do that for one processor at a time.
 */
async function processesAtOnce(): Promise<Figure> {
  const script = 'i=0; while [ $i -lt 500 ]; do (:); i=$((i+1)); done';
  const shell = () => execute('sh', ['-c', script]);
  const { one, two } = await alternate(pairs, {
    one: () => timed(shell),
    two: () => timed(() => Promise.all([shell(), shell()])),
  });
  return {
    what: 'the host: processes made by 1 shell / by 2 at once, per process',
    unit: 'x',
    samples: ratios(two, one).map((ratio) => ratio / 2),
    reference: true,
  };
}

function figures(vmm: Vmm, measured: readonly Pair[]): Figure[] {
  const [one, two] = [measured.map((pair) => pair.one), measured.map((pair) => pair.two)];
  const seconds = (costs: readonly Cost[]) => costs.map((cost) => cost.seconds);
  const processor = (costs: readonly Cost[]) => costs.map((cost) => cost.processor);
  const inUse = (costs: readonly Cost[]) => ratios(processor(costs), seconds(costs));
  const figure = (what: string, unit: Figure['unit'], samples: readonly number[], target?: number) => ({
    ...{ what: `${vmm}: ${what}`, unit, samples },
    ...(target === undefined ? {} : { target }),
  });
  return [
    figure('per instance, -j 1', 's', seconds(one)),
    figure('per instance, -j 2 (0.5 s are 120 a minute)', 's', seconds(two), 0.5),
    figure('seconds at -j 2 / at -j 1 (1/1.8 at most)', 'x', ratios(seconds(two), seconds(one)), 1 / 1.8),
    figure(
      'the same, if instances took no more processor time at -j 2',
      'x',
      inUse(one).map((busy) => Math.max(1 / 2, busy / availableParallelism())),
    ),
    figure('processor time of the host per instance, -j 1', 's', processor(one)),
    figure('processor time of the host per instance, -j 2', 's', processor(two)),
    {
      ...figure(
        'busy processors before and after a pair, by others',
        'x',
        measured.map(({ others }) => others),
      ),
      reference: true,
    },
  ];
}
