import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { gva, temporaryFolder, writeAppliance } from '../support/gva.js';

// Where a sweep is run, by the configuration and the command line. Nothing is submitted: --dry-run.

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  folder = await temporaryFolder();
  await mkdir(join(folder.path, 'config/gva'), { recursive: true });
  await writeAppliance(join(folder.path, 'a'), { yaml: 'parameters: { n: { type: int } }\n', job: 'true' });
  await writeFile(join(folder.path, 'plan.yaml'), 'appliance: ./a\nparameters: { n: { range: [1, 4] } }\n');
});
afterAll(() => folder[Symbol.asyncDispose]());

async function dryRun(configuration: string, ...words: string[]) {
  await writeFile(join(folder.path, 'config/gva/config.yaml'), configuration);
  const env = { XDG_CONFIG_HOME: join(folder.path, 'config') };
  return await gva(['sweep', 'run', 'plan.yaml', '--out', 'out', '--dry-run', ...words], env, folder.path);
}

test('a grid of the configuration needs no --grid, and --grid none is this host', async () => {
  const local = await dryRun('grid: { engine: local, bundle: 2 }\n');
  expect(local).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('GVA_ELEMENT from 0 to 1') as string,
  });
  const none = { code: 2, stderr: expect.stringContaining('--dry-run is for grids') as string };
  expect(await dryRun('grid: { engine: local }\n', '--grid', 'none')).toMatchObject(none);
  expect(await dryRun('grid: { bundle: 2 }\n')).toMatchObject(none);
});

test('fewer jobs have larger bundles', async () => {
  const many = 'appliance: ./a\nparameters: { n: { range: [1, 40] } }\n';
  await writeFile(join(folder.path, 'plan.yaml'), many);
  const lastOf = async (...words: string[]) =>
    /GVA_ELEMENT from 0 to (\d+)/.exec((await dryRun('grid: { engine: local }\n', ...words)).stdout)?.[1];
  expect(await lastOf()).toBe('3');
  expect(await lastOf('--most-jobs', '1')).toBe('0');
  expect(await dryRun('grid: { engine: local }\n', '--most-jobs', '0')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--most-jobs') as string,
  });
});

test('a configuration that cannot be read, and -j where a grid is meant', async () => {
  expect(await dryRun('grid: { engine: pbs }\n')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('must be slurm or local') as string,
  });
  expect(await dryRun('grid: { engine: local }\n', '-j', '2')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--grid none') as string,
  });
});
