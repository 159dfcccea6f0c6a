import { sep } from 'node:path';
import { expect, test, vi } from 'vitest';
import { scratch } from './ext4-fixture.js';
import { baseImages, fuzzExt4 } from './fuzz-ext4.js';

/** Every path of the host that was given to a function that opens, makes, changes or looks. */
const touched = vi.hoisted(() => ({ paths: new Set<string>() }));

/** Wraps the functions of a module that take paths: these arguments are noted, all else is as it was. */
const watch = vi.hoisted(() => (module: object, names: Record<string, number[]>): object => {
  const watched = Object.entries(names).map(([name, positions]) => {
    const original = Reflect.get(module, name) as (...args: unknown[]) => unknown;
    const wrapper = (...args: unknown[]): unknown => {
      for (const position of positions) touched.paths.add(String(args[position]));
      return original(...args);
    };
    return [name, wrapper];
  });
  return { ...module, ...(Object.fromEntries(watched) as object) };
});

vi.mock('node:fs', async (original) =>
  watch(await original(), {
    openSync: [0],
    mkdirSync: [0],
    symlinkSync: [1],
    linkSync: [0, 1],
    chmodSync: [0],
    utimesSync: [0],
    lutimesSync: [0],
    lstatSync: [0],
  }),
);
vi.mock('node:fs/promises', async (original) =>
  watch(await original(), { open: [0], stat: [0], mkdir: [0], lstat: [0], readdir: [0], realpath: [0] }),
);

/**
 * GVA_FUZZ_RUNS=20000 GVA_FUZZ_SEED=1 npx vitest run --project unit test/disk/fuzz-ext4.test.ts
 * The recorded long run has seed 1; CI repeats its first few hundred images.
 */
const runs = Number(process.env['GVA_FUZZ_RUNS'] ?? 300);
const seed = Number(process.env['GVA_FUZZ_SEED'] ?? 1);

test(
  `${runs} damaged images: no crash, no hang, nothing outside`,
  { timeout: 30_000 + runs * 100 },
  async () => {
    const folder = scratch();
    const inside = `${folder}${sep}target`;
    const images = baseImages();
    touched.paths.clear();
    let watched = 0;
    const summary = await fuzzExt4({
      images,
      runs,
      seed,
      folder,
      check: () => {
        const outside = [...touched.paths].filter(
          (path) => path !== inside && !path.startsWith(`${inside}${sep}`),
        );
        watched += touched.paths.size;
        touched.paths.clear();
        if (outside.length > 0) throw new Error(`paths outside the target: ${outside.join()}`);
      },
    });
    if (process.env['GVA_FUZZ_RUNS'] !== undefined) console.log(summary);
    expect(summary.extracted + summary.refused).toBe(runs);
    if (runs >= 300) {
      expect(watched).toBeGreaterThan(runs);
      expect(summary.extracted).toBeGreaterThan(runs / 2);
      expect(Object.keys(summary.codes).length).toBeGreaterThan(12);
    }
  },
);
