import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { loadDirectBase } from '../src/base/store.js';
import { packageRoot } from '../src/system/package.js';
import { type Benchmark, type Figure, alternate, ratios, timed } from './benchmark.js';
import { execute, gva, inTemporaryFolder, readResult } from './gva.js';

const rounds = 5;

/** The experiments that were published of GVA in 2008, on the same work. */
export const original: Benchmark = {
  name: 'original',
  title: 'the experiments of 2008: Mandelbrot, 1600x800 points, 100 iterations, in one guest',
  run: () => inTemporaryFolder(async (folder) => [...(await times(folder)), ...(await sizes(folder))]),
};

const ways = {
  'User-mode Linux': ['--vmm', 'uml'],
  'QEMU (TCG), cold': ['--vmm', 'qemu', '--start', 'cold'],
  'QEMU (TCG), warm': ['--vmm', 'qemu', '--start', 'warm'],
} as const;

type Way = keyof typeof ways;

/** Seconds. */
interface Times {
  readonly total: number;
  readonly boot: number;
  readonly application: number;
  readonly shutdown: number;
}

async function times(folder: string): Promise<Figure[]> {
  const example = join(packageRoot, 'examples/mandelbrot');
  const program = join(folder, 'mandelbrot');
  await execute('sh', [join(example, 'build.sh')]);
  await execute('sh', [join(example, 'build.sh'), program]);
  const taken: Record<string, Times[]> = {};
  const run = (way: Way) => async () => {
    const out = join(folder, 'out');
    const words = ['run', example, '--param', 'first=0', '--param', 'count=800', '--out', out, '--force'];
    const total = await timed(() => gva(...words, ...ways[way]));
    const { times: at } = await readResult(out);
    const between = (from: keyof typeof at, to: keyof typeof at) => (at[to] ?? NaN) - (at[from] ?? NaN);
    (taken[way] ??= []).push({
      total,
      boot: between('staged', 'scriptsStarted'),
      application: between('scriptsStarted', 'scriptsEnded'),
      shutdown: between('scriptsEnded', 'poweredOff'),
    });
    return total;
  };
  const names = Object.keys(ways) as Way[];
  const samples = await alternate(rounds, {
    native: () => timed(() => execute(program, ['0', '800', join(folder, 'rows.bin')])),
    ...Object.fromEntries(names.map((way) => [way, run(way)])),
  });
  const parts = ['total', 'boot', 'application', 'shutdown'] as const;
  return [
    { what: 'native: total', unit: 's', samples: samples.native, reference: true },
    ...names.flatMap((way) => {
      // The first round is not counted.
      const counted = (taken[way] ?? []).slice(1);
      const figures = parts.map((part): Figure => ({
        ...{ what: `${way}: ${part}`, unit: 's', samples: counted.map((each) => each[part]) },
      }));
      const totals = counted.map(({ total }) => total);
      const against = ratios(totals, samples.native);
      return [...figures, { what: `${way}: total / native`, unit: 'x' as const, samples: against }];
    }),
    {
      what: 'QEMU (KVM): total',
      unit: 's',
      samples: [],
      absent: '/dev/kvm is there, but a guest under it hangs; gva doctor says so',
    },
  ];
}

/** Allocated on the disk; packages as they are. */
async function sizes(folder: string): Promise<Figure[]> {
  const { folder: base, files } = await loadDirectBase('micro');
  const blocks = async (file: string) => ((await stat(file)).blocks * 512) / 1e6;
  let ofBase = 0;
  for (const file of [files.root, files.kernel, files.initrd]) ofBase += await blocks(join(base, file.name));
  const example = join(packageRoot, 'examples/mandelbrot');
  const packed = join(folder, 'mandelbrot.ova');
  await gva('pack', example, '-o', packed, '--force');
  const out = join(folder, 'kept');
  const words = ['--param', 'first=0', '--param', 'count=800', '--out', out, '--force'];
  await gva('run', example, ...words, '--vmm', 'uml');
  const { scratchBytes } = await readResult(out);
  return [
    { what: 'base image', unit: 'MB', samples: [ofBase] },
    { what: 'all disks of an instance, with its output', unit: 'MB', samples: [scratchBytes / 1e6] },
    { what: 'compressed package', unit: 'MB', samples: [(await stat(packed)).size / 1e6] },
  ];
}
