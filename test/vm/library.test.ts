import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { packageRoot } from '../../src/system/package.js';
import { gva, readResult, temporaryFolder } from '../support/gva.js';

// The examples of the library, with real guests.

const execute = promisify(execFile);
const example = (name: string, ...words: string[]) =>
  execute(process.execPath, [join(packageRoot, 'examples/library', name), ...words]);

it('examples/library/run-one.mjs runs one instance and tells what happens', async () => {
  await using folder = await temporaryFolder();
  const [square, out] = [join(folder.path, 'square'), join(folder.path, 'out')];
  await gva(['init', square]);
  const { stdout, stderr } = await example('run-one.mjs', square, 'n=12', '--out', out);
  expect(stdout).toBe(`done: 4 files in ${out}/output\n`);
  expect(stderr).toMatch(/s {2}staged\n.* (boot|wake)\n[^]* script-end\n[^]* ended\n$/);
  expect(await readFile(join(out, 'output/result.txt'), 'utf8')).toBe('area=144\n');
  expect(await readResult(out)).toMatchObject({ state: 'done', parameters: { n: 12 } });
});

it('examples/library/sweep-results.mjs runs a sweep and prints its results', async () => {
  await using folder = await temporaryFolder();
  const [square, out] = [join(folder.path, 'square'), join(folder.path, 'out')];
  await gva(['init', square]);
  const { stdout } = await example('sweep-results.mjs', square, out);
  const lines = stdout.replaceAll(/ \(.* s\)/g, '').split('\n');
  const areas = [2, 4, 6, 8, 10].map((n) => `n=${n} area=${n * n}`);
  expect(lines).toEqual(['5 done, 0 failed, 0 lost', ...areas, '']);
});

it('examples/library/stop-when-found.mjs ends all else when it has found', async () => {
  await using folder = await temporaryFolder();
  const [square, out] = [join(folder.path, 'square'), join(folder.path, 'out')];
  await gva(['init', square]);
  const { stdout } = await example('stop-when-found.mjs', square, out, '100');
  expect(stdout).toMatch(/^n=(\d+) has the square \d+\n$/);
  const { stdout: status } = await gva(['sweep', 'status', out, '--json']);
  expect(JSON.parse(status)).toMatchObject({ state: 'stopped', points: 200 });
});
