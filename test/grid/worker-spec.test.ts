import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readSpec } from '../../src/grid/worker/spec.js';
import type { GridElement, GridWork } from '../../src/model/grid.js';
import { GvaError } from '../../src/system/errors.js';
import { type TestHome, makeTestHome } from '../support/fake-appliance.js';
import { gva } from '../support/gva.js';
import { type TestGrid, makeGrid, pointOf } from './worker-fixture.js';

let home: TestHome;
let grid: TestGrid;
beforeEach(async () => {
  home = await makeTestHome();
  grid = await makeGrid(home);
});
afterEach(() => home[Symbol.asyncDispose]());

const patience = { seconds: 0, signal: new AbortController().signal, log: () => undefined };

async function problemOf(spec: string): Promise<string> {
  const error = await readSpec(spec, patience).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(GvaError);
  expect(error).toMatchObject({ code: 'GRID_SPEC', exitCode: 2, hint: expect.any(String) as unknown });
  return (error as GvaError).message;
}

/** The element's file with another work. */
async function withWork(change: (work: GridWork) => unknown): Promise<string> {
  const spec = await grid.element([1]);
  const { work } = JSON.parse(await readFile(spec, 'utf8')) as GridElement;
  await writeFile(join(grid.sweep, 'grid', work), JSON.stringify(change(grid.work)));
  return spec;
}

test('an element is read with its work, and the folder of the sweep is the one that it is in', async () => {
  const spec = await grid.element([1, 2], { seconds: 60 });
  const moved = join(home.folder, 'moved');
  await rename(grid.sweep, moved);
  const read = await readSpec(join(moved, spec.slice(grid.sweep.length)), patience);
  expect(read).toEqual({
    element: JSON.parse(await readFile(join(moved, spec.slice(grid.sweep.length)), 'utf8')) as unknown,
    work: JSON.parse(JSON.stringify(grid.work)) as unknown,
    ...{ sweep: moved, chunk: join(moved, 'grid/chunks/C0001'), name: 'e0000.json' },
  });
});

test('a plain machine is read', async () => {
  const image = { size: 1, sha256: 'c'.repeat(64) };
  const machine = {
    kind: 'plain',
    disks: [{ image }, { image, role: 'output' }],
    firmware: 'uefi',
    hardware: { machine: 'q35', controller: 'ahci', cdDrive: 'ide-cd' },
    probeKernel: image,
  } as const;
  const work = { ...grid.work, machine } satisfies GridWork;
  expect((await readSpec(await withWork(() => work), patience)).work.machine).toEqual(machine);
});

describe('refused with a hint is an element', () => {
  test('that is not there, or not in the folder of a sweep', async () => {
    expect(await problemOf(join(grid.chunk, 'e0009.json'))).toMatch(/e0009.json: there is no such file/);
    expect(await problemOf(join(home.folder, 'e0000.json'))).toMatch(/not in the folder grid\/chunks\//);
    await mkdir(join(grid.chunk, 'e0005.json'));
    expect(await problemOf(join(grid.chunk, 'e0005.json'))).toMatch(/not a regular file/);
  });

  test.each<[string, object, RegExp]>([
    ['of a later version', { format: 'gva-grid-element/2' }, /format: .*gva-grid-element\/1/],
    ['without points', { points: [] }, /points: /],
    ['with work of another place', { work: '../../work-00000000.json' }, /work: is no name of a file/],
    ['with a time of nothing', { seconds: 0 }, /seconds: /],
    ['whose work is not there', { work: 'work-00000000.json' }, /work-00000000.json: there is no such file/],
  ])('%s', async (_, change, problem) => {
    expect(await problemOf(await grid.element([1], change))).toMatch(problem);
  });

  test('that names a point twice, or one of other work, or a file by no absolute path', async () => {
    const point = pointOf(grid.work, 1);
    const element = (points: GridElement['points']) => grid.element([], { points });
    expect(await problemOf(await element([point, point]))).toMatch(/points: name one twice/);
    const other = { ...point, parameters: { n: 2, mode: 'fast' } };
    expect(await problemOf(await element([other]))).toMatch(/point 1 is not of the work in .*work-/);
    const file = { name: 'a', source: 'a', size: 1, sha256: 'c'.repeat(64) };
    expect(await problemOf(await element([{ ...point, files: [file] }]))).toMatch(/files.0.source: /);
  });

  test('that is cut short', async () => {
    const spec = await grid.element([1]);
    await writeFile(spec, (await readFile(spec, 'utf8')).slice(0, -9));
    expect(await problemOf(spec)).toMatch(/JSON/);
  });

  test.each<[string, (work: GridWork) => unknown, RegExp]>([
    ['of a later version', (work) => ({ ...work, format: 'gva-grid-work/2' }), /format: /],
    [
      'with an image that its digest cannot name',
      (work) => ({ ...work, machine: { ...work.machine, app: { size: 1, sha256: '../../secret' } } }),
      /machine.app.sha256: is no SHA-256/,
    ],
    [
      'with a controller that there is not',
      (work) => ({
        ...work,
        machine: {
          kind: 'plain',
          disks: [{ image: { size: 1, sha256: 'c'.repeat(64) } }],
          firmware: 'bios',
          hardware: { controller: 'x,file=/etc/passwd' },
        },
      }),
      /machine.hardware.controller: /,
    ],
    [
      'with a memory of nothing',
      (work) => ({ ...work, appliance: { ...work.appliance, hardware: { cpus: 1 } } }),
      /memory/,
    ],
  ])('whose work is %s', async (_, change, problem) => {
    expect(await problemOf(await withWork(change))).toMatch(problem);
  });
});

describe('gva run --spec', () => {
  test('refuses a bad file with a hint and status 2', async () => {
    const { code, stderr } = await gva(['run', '--spec', join(grid.chunk, 'e0009.json')]);
    expect(stderr).toMatch(/error: cannot work by .*e0009.json: there is no such file\nhint: /);
    expect(code).toBe(2);
  });

  test('takes the folder of a chunk and the number of the element, as a job array has it', async () => {
    const env = { GVA_ELEMENT: '12' };
    expect((await gva(['run', '--spec', grid.chunk], env)).stderr).toContain(
      `${grid.chunk}/e0012.json: there`,
    );
    const { code, stderr } = await gva(['run', '--spec', grid.chunk], { GVA_ELEMENT: '' });
    expect(stderr).toMatch(/GVA_ELEMENT does not say/);
    expect(code).toBe(2);
  });

  test('goes with nothing else', async () => {
    for (const words of [['square'], ['--keep-disks'], ['--json']]) {
      const { code, stderr } = await gva(['run', '--spec', 'e0000.json', ...words]);
      expect(stderr).toContain('--spec goes with no other option');
      expect(code).toBe(2);
    }
    const { code, stderr } = await gva(['run']);
    expect(stderr).toMatch(/no appliance to run\nhint: /);
    expect(code).toBe(2);
  });
});
