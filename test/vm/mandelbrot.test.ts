import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readStrips } from '../../examples/mandelbrot/picture.mjs';
import { packageRoot } from '../../src/system/package.js';
import {
  buildProgram,
  computeRows,
  example,
  expectPicture,
  runFile,
} from '../examples/mandelbrot-program.js';

const program = join(example, 'app/mandelbrot');

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gva test-'));
  await buildProgram();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const nativeRows = (first: number, count: number) => computeRows(program, first, count, folder);

// By hand: sh examples/mandelbrot/demo.sh --vmm uml
it('the demo computes the picture of the set in eight guests', async () => {
  const results = join(folder, 'results');
  const env = { ...process.env, MANDELBROT_RESULTS: results };
  for (const time of ['first', 'again']) {
    const demo = await runFile('sh', [join(example, 'demo.sh'), '--vmm', 'uml'], { cwd: folder, env });
    expect(demo.stdout, time).toContain(`The picture: ${results}/mandelbrot.png`);
    expect(demo.stdout).toMatch(/^700-799( +\d+\.\d{3}){6}$/m);
  }
  const strips = await readStrips(results);
  expect(strips.map(({ first }) => first)).toEqual([0, 100, 200, 300, 400, 500, 600, 700]);
  for (const { first, count, counts } of strips)
    expect((await nativeRows(first, count)).equals(counts), `rows from ${first}`).toBe(true);
  await expectPicture(join(results, 'mandelbrot.png'), await nativeRows(0, 800));
  expect((await readdir(folder)).filter((name) => !name.startsWith('native-'))).toEqual(['results']);
});

// By hand: bin/gva run examples/mandelbrot --vmm qemu --param first=300
it.each(['uml', 'qemu'])('a guest of %s computes the bytes that this machine computes', async (vmm) => {
  const out = join(folder, vmm);
  await runFile(join(packageRoot, 'bin/gva'), [
    ...['run', example, '--vmm', vmm, '--out', out],
    ...['--param', 'first=300'],
  ]);
  const rows = await readFile(join(out, 'output/rows.bin'));
  expect(rows.equals(await nativeRows(300, 100))).toBe(true);
});
