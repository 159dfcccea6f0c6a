import { spawn } from 'node:child_process';
import { readFile, readdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { gridImage } from '../../src/system/paths.js';
import { type TestHome, makeTestHome } from '../support/fake-appliance.js';
import { fakeWorker, makeGrid, pointNames, recordOf, runWorker, shortly } from './worker-fixture.js';

const aString = expect.any(String) as unknown;

let home: TestHome;
beforeEach(async () => (home = await makeTestHome()));
afterEach(() => home[Symbol.asyncDispose]());

const stagedBy = async (spec: string) => (await recordOf(spec)).find(({ record }) => record === 'staged');

describe('images', () => {
  test('of workers that begin at once are copied once, however many there are', async () => {
    const grid = await makeGrid(home);
    const specs = await Promise.all([1, 2, 3].map((point) => grid.element([point])));
    const ends = await Promise.all(specs.map((spec) => runWorker(home, spec)));
    expect(ends.map(({ code }) => code)).toEqual([0, 0, 0]);
    const staged = await Promise.all(specs.map(stagedBy));
    const bytes = staged.map((line) => (line?.record === 'staged' ? line.bytes : NaN));
    expect(bytes.reduce((sum, each) => sum + each)).toBe(grid.bytes);
    expect(await readdir(join(grid.node, 'images'))).not.toContainEqual(
      expect.stringMatching(/tmp$|lock|use-/),
    );
    expect(await pointNames(grid.sweep)).toEqual(['0000001', '0000002', '0000003']);
  });

  test('of a sweep that are damaged are named, and no node is blamed', async () => {
    const grid = await makeGrid(home);
    const { app } = grid.work.machine as { app: { sha256: string } };
    const file = gridImage(grid.sweep, app.sha256);
    await truncate(file, 1_000_000);
    const spec = await grid.element([1]);
    const { code, said } = await runWorker(home, spec);
    expect(code).toBe(69);
    expect(said).toContain('resume');
    expect((await recordOf(spec)).at(-1)).toMatchObject({
      ...{ record: 'trouble', code: 'IMAGE_DIGEST', avoidNode: false },
      message: expect.stringContaining(file) as unknown,
    });
  });

  test('that there is no room for on the node are used where they are, which the record says', async () => {
    const grid = await makeGrid(home, { nodeCache: 1_200_000 });
    const spec = await grid.element([1]);
    expect(await runWorker(home, spec)).toMatchObject({ code: 0 });
    const { machine } = grid.work;
    expect(await stagedBy(spec)).toMatchObject({
      inPlace: {
        images: machine.kind === 'contract' ? [machine.base.files.root?.sha256, machine.app.sha256] : [],
        reason: expect.stringMatching(/are too much for .*, which may take/) as unknown,
      },
    });
    expect(await pointNames(grid.sweep)).toEqual(['0000001']);
  });

  test('that the disk of the node does not take are used where they are', async () => {
    const grid = await makeGrid(home);
    const spec = await grid.element([1]);
    // No file may become longer than 1.2 MB; the first and the last image are.
    const limited = `trap '' XFSZ; ulimit -f 2400; exec "$0" "$@"`;
    const child = spawn('/bin/dash', ['-c', limited, process.execPath, fakeWorker, spec], {
      stdio: 'ignore',
      env: { ...process.env, GVA_NODE_CACHE: home.folder, GVA_JOB: '7_0' },
    });
    const code = await new Promise((resolve) => child.on('exit', resolve));
    expect(code).toBe(0);
    expect(shortly(await recordOf(spec)).at(-1)).toBe('ended');
    expect(await stagedBy(spec)).toMatchObject({
      inPlace: { images: [aString, aString], reason: `there is no room in ${join(grid.node, 'images')}` },
    });
    expect((await readdir(join(grid.node, 'images'))).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  test('stay where they are on a node that has no place for a folder of this user', async () => {
    const grid = await makeGrid(home);
    const spec = await grid.element([1]);
    await writeFile(join(home.folder, 'file'), '');
    const env = { GVA_NODE_CACHE: join(home.folder, 'file') };
    expect(await runWorker(home, spec, env)).toMatchObject({ code: 0 });
    expect(await stagedBy(spec)).toMatchObject({ bytes: 0, inPlace: { images: Array(4).fill(aString) } });
    expect(await pointNames(grid.sweep)).toEqual(['0000001']);
  });
});

test('what GVA remembers of a node is kept on the node', async () => {
  const grid = await makeGrid(home);
  const seen = join(home.folder, 'seen');
  const script = `echo "$XDG_CACHE_HOME" >'${seen}'`;
  await runWorker(home, await grid.element([1]), { FAKE_GUEST: script });
  expect(await readFile(seen, 'utf8')).toBe(`${grid.node}/cache\n`);
});
