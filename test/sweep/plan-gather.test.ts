import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { outlineText } from '../../src/cli/plan-view.js';
import { type PlanFolder, makePlanFolder } from './plan-fixture.js';

let home: PlanFolder;
beforeEach(async () => {
  home = await makePlanFolder();
  await appliance('sum', '');
});
afterEach(() => home[Symbol.asyncDispose]());

async function appliance(name: string, yaml: string): Promise<void> {
  await mkdir(
    join(dirname(await home.write(`${name}/gva.yaml`, `name: ${name}\nrun: echo\n${yaml}`)), 'app'),
  );
}

test('a gather step is a command, or an appliance beside the plan; gva plan shows it', async () => {
  expect((await home.plan('parameters: { n: 1 }')).gather).toBeUndefined();
  const plan = await home.plan('parameters: { n: 1 }\ngather: sort results.csv | tail -n 3');
  expect(plan.gather).toEqual({ kind: 'command', command: 'sort results.csv | tail -n 3' });
  expect(outlineText(plan)).toMatch(/^gather +on this host, with --gather: sort results\.csv \| tail -n 3$/m);
  const safer = await home.plan('parameters: { n: 1 }\nkeep: image\ngather: { appliance: sum }');
  expect(safer.gather).toMatchObject({ kind: 'appliance', source: { folder: join(home.folder, 'sum') } });
  expect(outlineText(safer)).toMatch(/^keep +image\ngather +in sum 0\.0\.0 \(.*\/sum\)$/m);
});

test.each([
  ['', '1:9: gather: must be a command, or { appliance: DIR }'],
  ['""', '1:9: gather: must be a command, or { appliance: DIR }'],
  ['"  "', '1:9: gather: must be a command, or { appliance: DIR }'],
  ['[sum]', '1:9: gather: must be a command, or { appliance: DIR }'],
  ['{ command: x }', '1:9: gather: must be a command, or { appliance: DIR }'],
  ['{ appliance: sum, keep: image }', '1:27: gather: unknown entry "keep"'],
  ['{ appliance: 3 }', '1:22: gather.appliance: must be the folder of an appliance, or a package'],
  ['{ appliance: none }', '1:22: gather.appliance: there is no appliance folder none'],
])('gather: %s is told with its place', async (gather, mistake) => {
  expect(await home.mistakes(`gather: ${gather}\nparameters: { n: 1 }`)).toEqual([mistake]);
});

test('an appliance that cannot gather is told with its place', async () => {
  await appliance('own', '');
  await home.write('own/data/table', '');
  expect(await home.mistakes('parameters: { n: 1 }\ngather: { appliance: own }')).toEqual([
    '2:22: gather.appliance: own has a data disk of its own; that of a gathering appliance has the outputs',
  ]);
  await appliance(
    'open',
    'parameters: { a: { type: int }, b: { type: int, default: 1 }, c: { type: int } }\n',
  );
  expect(await home.mistakes('parameters: { n: 1 }\ngather: { appliance: open }')).toEqual([
    '2:22: gather.appliance: open has parameters without a default: a, c',
  ]);
});

test('mistakes of it are told beside all others, and without an appliance of the plan, too', async () => {
  expect(await home.mistakes('gather: ""\nkeep: zip\nparameters: { nn: 1 }')).toHaveLength(3);
  const path = await home.write('alone.yaml', 'gather: ""\nkeep: zip\n');
  expect(await home.mistakesOf(path)).toEqual([
    '1:1: appliance is missing',
    '1:9: gather: must be a command, or { appliance: DIR }',
    '2:7: keep: must be one of files, archive, image',
  ]);
});
