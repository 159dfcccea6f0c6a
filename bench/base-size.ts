import { loadBase } from '../src/base/store.js';
import { type Benchmark, type Figure, timed } from './benchmark.js';
import { execute, gva, inTemporaryFolder } from './gva.js';

/** What the base weighs when it travels, and how long it takes to build. */
export const baseSize: Benchmark = {
  name: 'base',
  title: 'the base image micro',
  run: measure,
};

async function measure(): Promise<Figure[]> {
  const { folder } = await loadBase('micro');
  const pack = `tar -C '${folder}' -c --sparse . | xz -6 -T0 | wc -c`;
  const { stdout } = await execute('sh', ['-c', pack]);
  const seconds = await inTemporaryFolder((data) =>
    timed(async () => {
      process.env['XDG_DATA_HOME'] = data;
      await gva('base', 'build', 'micro').finally(() => delete process.env['XDG_DATA_HOME']);
    }),
  );
  return [
    { what: 'compressed (tar, xz)', unit: 'MB', samples: [Number(stdout) / 1e6], target: 12 },
    { what: 'building it, packages fetched before', unit: 's', samples: [seconds], target: 60 },
  ];
}
