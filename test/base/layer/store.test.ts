import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { isIntact, keepLayer, layersOf, pruneLayers } from '../../../src/base/layer/store.js';
import { layerKey } from '../../../src/base/recipe/chain.js';
import { layersFolder } from '../../../src/system/paths.js';
import { temporaryFolder } from '../../support/gva.js';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeEach(async () => {
  folder = await temporaryFolder();
  vi.stubEnv('XDG_CACHE_HOME', join(folder.path, 'cache'));
  await writeFile(join(folder.path, 'base'), 'base');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await folder[Symbol.asyncDispose]();
});

async function keep(name: string, base = 'b') {
  const image = join(folder.path, name);
  await writeFile(image, `the image ${name}`);
  const elements = [{ kind: 'packages', names: [name] }] as const;
  return keepLayer(image, join(folder.path, 'base'), { key: layerKey(base, elements), base, elements });
}

const names = async () => (await layersOf('b')).map(({ elements }) => elements).flat();

it('finds layers of one base, and nothing half-made', async () => {
  await keep('one');
  await keep('one');
  await keep('other', 'c');
  await mkdir(join(layersFolder(), 'f'.repeat(64)));
  await mkdir(join(layersFolder(), '.half.tmp'));
  expect(await names()).toEqual([{ kind: 'packages', names: ['one'] }]);
  expect((await readdir(layersFolder())).filter((name) => /^[0-9a-e]/.test(name))).toHaveLength(2);
});

it('removes a layer whose bytes are not what they were', async () => {
  const layer = await keep('one');
  expect(await isIntact(layer)).toBe(true);
  await writeFile(join(layer.folder, 'changes'), 'the image 0ne');
  expect(await isIntact(layer)).toBe(false);
  expect(await layersOf('b')).toEqual([]);
});

it('prunes what is old, and the oldest where there is too much, but nothing that is in use', async () => {
  const day = 86_400_000;
  for (const [name, age] of [
    ['new', 0],
    ['young', day],
    ['middle', 2 * day],
    ['old', 90 * day],
  ] as const) {
    const { folder: of } = await keep(name);
    const used = new Date(Date.now() - age);
    await utimes(join(of, 'layer.json'), used, used);
  }
  await pruneLayers({ bytes: 1 << 20, days: 60 });
  expect((await names()).flatMap((each) => ('names' in each ? each.names : [])).sort()).toEqual([
    ...['middle', 'new', 'young'],
  ]);
  await pruneLayers({ bytes: 1, days: 60 });
  expect(await names()).toEqual([{ kind: 'packages', names: ['new'] }]);
});
