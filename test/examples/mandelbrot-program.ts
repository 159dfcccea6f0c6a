import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PNG } from 'pngjs';
import { expect } from 'vitest';
import { colourOf } from '../../examples/mandelbrot/picture.mjs';
import { packageRoot } from '../../src/system/package.js';

export const runFile = promisify(execFile);
export const example = join(packageRoot, 'examples/mandelbrot');

/** Compiles the example's program as `program`, or as the appliance's own. */
export async function buildProgram(...program: string[]): Promise<void> {
  await runFile('sh', [join(example, 'build.sh'), ...program]);
}

/** The bytes that the program writes for these rows, computed on this machine. */
export async function computeRows(
  program: string,
  first: number,
  count: number,
  folder: string,
): Promise<Buffer> {
  const file = join(folder, `native-${first}-${count}.bin`);
  await runFile(program, [String(first), String(count), file]);
  return readFile(file);
}

/** The picture must show these iteration counts, every pixel of them. */
export async function expectPicture(file: string, counts: Uint8Array): Promise<void> {
  const png = PNG.sync.read(await readFile(file));
  expect([png.width, png.height]).toEqual([1600, 800]);
  const expected = Buffer.from([...counts].flatMap((count) => [...colourOf(count), 255]));
  expect(png.data.equals(expected)).toBe(true);
}
