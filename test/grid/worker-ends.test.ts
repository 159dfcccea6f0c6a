import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { gridFiles } from '../../src/system/paths.js';
import { doneScript } from '../../src/vmm/fake/driver.js';
import { type TestHome, makeTestHome } from '../support/fake-appliance.js';
import { eventually, noneLeft } from '../support/gva.js';
import {
  type TestGrid,
  makeGrid,
  pointNames,
  recordOf,
  runWorker,
  shortly,
  startWorker,
} from './worker-fixture.js';

let home: TestHome;
let grid: TestGrid;
beforeEach(async () => {
  home = await makeTestHome();
  grid = await makeGrid(home);
});
afterEach(() => home[Symbol.asyncDispose]());

/** The guest of the second point never ends. */
const hanging = () =>
  `if [ -e '${home.folder}/second' ]; then echo '${home.folder}' >/dev/null; sleep 1000; fi\n` +
  `: >'${home.folder}/second'\n${doneScript}`;

async function startHanging(spec: string) {
  const worker = startWorker(home, spec, { FAKE_GUEST: hanging() });
  await eventually(async () => shortly(await recordOf(spec).catch(() => [])).includes('point-began 2'));
  // Its guest runs.
  await eventually(async () => {
    const [own] = await readdir(home.scratch);
    const names = await readdir(join(home.scratch, own ?? '')).catch(() => []);
    return names.some((name) => name.startsWith('gva-'));
  });
  return worker;
}

test.each(['SIGTERM', 'SIGINT'] as const)(
  'told to end by %s, it publishes nothing unfinished',
  async (signal) => {
    const spec = await grid.element([1, 2, 3]);
    const worker = await startHanging(spec);
    worker.process.kill(signal);
    // Grids repeat themselves.
    worker.process.kill(signal);
    expect(await worker.ended, worker.said()).toBe(143);
    const records = await recordOf(spec);
    expect(shortly(records).slice(3)).toEqual(['point-began 1', 'point-ended 1', 'point-began 2', 'stopped']);
    expect(records.at(-1)).toMatchObject({ signal: signal.slice(3) });
    expect(await pointNames(grid.sweep)).toEqual(['0000001']);
    expect(await readdir(home.scratch)).toEqual([]);
    await noneLeft(home.folder);
  },
);

test('what a killed one leaves is removed by the next, which goes on with the rest', async () => {
  const spec = await grid.element([1, 2, 3]);
  const worker = await startHanging(spec);
  worker.process.kill('SIGKILL');
  await worker.ended;
  await noneLeft(home.folder);
  expect(await readdir(home.scratch)).not.toEqual([]);
  expect(shortly(await recordOf(spec)).at(-1)).toBe('point-began 2');
  expect(await runWorker(home, spec, { GVA_JOB: '8_0' })).toMatchObject({ code: 0 });
  expect(shortly(await recordOf(spec, '8_0')).slice(3)).toEqual([
    ...['point-known 1', 'point-began 2', 'point-ended 2', 'point-began 3', 'point-ended 3', 'ended'],
  ]);
  expect(await pointNames(grid.sweep)).toEqual(['0000001', '0000002', '0000003']);
  expect(await readdir(home.scratch)).toEqual([]);
});

test('what it had copied of a result is replaced by the same job when that is begun anew', async () => {
  const part = join(grid.sweep, 'points/0000/.0000001-7_0.part');
  await runWorker(home, await grid.element([2]));
  await mkdir(part);
  await writeFile(join(part, 'half'), 'half');
  expect(await runWorker(home, await grid.element([1]))).toMatchObject({ code: 0 });
  expect(await pointNames(grid.sweep)).toEqual(['0000001', '0000002']);
  expect(await readdir(join(grid.sweep, 'points/0000/0000001'))).not.toContain('half');
});

test('a point that somebody has cancelled is not begun, and one that runs publishes nothing', async () => {
  const mark = (point: number) => writeFile(join(grid.chunk, gridFiles.cancelled(point)), '');
  await mark(1);
  const spec = await grid.element([1, 2, 3]);
  // The guest of the first one that runs says that its point is not wanted any more.
  const script = `[ -e '${home.folder}/second' ] || : >'${grid.chunk}/${gridFiles.cancelled(2)}'\n: >'${home.folder}/second'\n`;
  expect(await runWorker(home, spec, { FAKE_GUEST: script + doneScript })).toMatchObject({ code: 0 });
  expect(shortly(await recordOf(spec)).slice(3)).toEqual([
    ...['point-skipped 1', 'point-began 2', 'point-skipped 2', 'point-began 3', 'point-ended 3', 'ended'],
  ]);
  expect(await pointNames(grid.sweep)).toEqual(['0000003']);
});
