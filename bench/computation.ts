import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packageRoot } from '../src/system/package.js';
import { type Benchmark, type Figure, alternate, ratios, timed } from './benchmark.js';
import { execute, gva, inTemporaryFolder, readResult } from './gva.js';

/** How often the whole picture is computed: long enough for the start of a process not to count. */
const repeats = 40;

/** The Mandelbrot set, 1600x800 points, at most 100 iterations, in a guest and natively. */
export const computation: Benchmark = {
  name: 'computation',
  title: `the Mandelbrot set, ${repeats} times 1600x800 points, 100 iterations: application time`,
  run: () => inTemporaryFolder(measure),
};

async function measure(folder: string): Promise<Figure[]> {
  const appliance = join(folder, 'mandelbrot');
  const program = join(appliance, 'app/mandelbrot');
  await mkdir(join(appliance, 'app'), { recursive: true });
  await execute('sh', [join(packageRoot, 'examples/mandelbrot/build.sh'), program]);
  const loop = (command: string, rows: string) =>
    `i=0; while [ $i -lt ${repeats} ]; do ${command} 0 800 ${rows} || exit; i=$((i + 1)); done`;
  await writeFile(
    join(appliance, 'gva.yaml'),
    `name: mandelbrot\nrun: ${JSON.stringify(loop('mandelbrot', 'rows'))}\n`,
  );
  const samples = await alternate(5, {
    uml: async () => {
      const out = join(folder, 'uml');
      await gva('run', appliance, '--vmm', 'uml', '--out', out, '--force');
      const { times } = await readResult(out);
      return (times.scriptsEnded ?? NaN) - (times.scriptsStarted ?? NaN);
    },
    native: () => timed(() => execute('sh', ['-c', loop(`'${program}'`, `'${join(folder, 'rows')}'`)])),
  });
  return [
    { what: 'in User-mode Linux', unit: 's', samples: samples.uml },
    { what: 'natively', unit: 's', samples: samples.native, reference: true },
    { what: 'ratio', unit: 'x', samples: ratios(samples.uml, samples.native), target: 1.15 },
  ];
}
