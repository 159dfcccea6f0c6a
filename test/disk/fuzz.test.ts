import { expect, test, vi } from 'vitest';
import { scratch } from './ext4-fixture.js';
import { fuzz, type FuzzTarget } from './fuzz.js';
import { ext4Target } from './fuzz-ext4.js';
import { fatTarget, isoTarget } from './fuzz-media.js';

vi.mock('node:fs', async (original) => (await import('./fuzz-watch.js')).watchedFs(original));
vi.mock('node:fs/promises', async (original) => (await import('./fuzz-watch.js')).watchedPromises(original));

/**
 * GVA_FUZZ_RUNS=20000 GVA_FUZZ_SEED=1 npx vitest run --project fuzz test/disk/fuzz.test.ts
 * The recorded long run has seed 1; CI repeats its first few hundred images.
 */
const runs = Number(process.env['GVA_FUZZ_RUNS'] ?? (process.env['GVA_LONG'] ? 20_000 : 200));
const seed = Number(process.env['GVA_FUZZ_SEED'] ?? 1);

test.each<[string, () => FuzzTarget, number]>([
  ['ext4', ext4Target, 12],
  ['ISO 9660', isoTarget, 8],
  ['FAT', fatTarget, 8],
])(
  `${runs} damaged images of %s: no crash, no hang, nothing outside`,
  { timeout: 30_000 + runs * 100 },
  async (_, target, kinds) => {
    const summary = await fuzz({ ...target(), runs, seed, folder: scratch() });
    if (process.env['GVA_FUZZ_RUNS'] !== undefined) console.log(summary);
    expect(summary.extracted + summary.refused).toBe(runs);
    if (runs >= 200) {
      expect(summary.paths).toBeGreaterThan(runs);
      expect(summary.extracted).toBeGreaterThan(runs / 2);
      expect(Object.keys(summary.codes).length).toBeGreaterThan(kinds);
    }
  },
);
