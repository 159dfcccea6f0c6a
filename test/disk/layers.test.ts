import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Piece, piecesOf } from '../../src/disk/qcow2/layers.js';
import { type Layer, openQcow2 } from '../../src/disk/qcow2/reader.js';
import { writeOverlay } from '../../src/disk/qcow2/writer.js';
import { openRaw } from '../../src/disk/source.js';
import { openRawLayer } from '../../src/instance/checkpoint/layers.js';
import { requireTool } from '../support/tools.js';
import { temporaryFolder } from '../support/gva.js';

const cluster = 65_536;
const size = 5 * 2 ** 20 + 512;

/** Pieces of a disk; a letter fills its clusters, a dot makes them zeros. */
// eslint-disable-next-line @typescript-eslint/require-await -- what takes pieces waits for them
async function* written(text: Readonly<Record<number, string>>): AsyncGenerator<Piece> {
  for (const [number, letter] of Object.entries(text)) {
    const offset = Number(number) * cluster;
    const length = Math.min(cluster, size - offset);
    yield { offset, length, bytes: letter === '.' ? undefined : Buffer.alloc(length, letter) };
  }
}

const open = async (path: string) => openQcow2(await openRaw(path), 'ignored');

async function letters(layers: readonly Layer[]): Promise<Record<number, string>> {
  const found: Record<number, string> = {};
  for await (const { offset, length, bytes } of piecesOf(layers))
    for (let at = 0; at < length; at += cluster)
      found[(offset + at) / cluster] = bytes ? String.fromCharCode(bytes[at] ?? 0) : '.';
  return found;
}

describe('a qcow2 image that is written here', () => {
  it('is sound for qemu-img, and reads as what was written over what is below', async () => {
    requireTool('qemu-img');
    await using folder = await temporaryFolder();
    const path = (name: string) => join(folder.path, name);
    const below = Buffer.alloc(size, 'z');
    await writeFile(path('base'), below);
    const content = { 0: 'a', 1: '.', 7: 'b', 79: 'c', 80: 'd' };
    await writeOverlay(
      path('disk'),
      { size, backing: { file: path('base'), format: 'raw' } },
      written(content),
    );
    execFileSync('qemu-img', ['check', '-q', '-f', 'qcow2', path('disk')]);
    for (const [number, letter] of Object.entries(content))
      below.fill(
        letter === '.' ? 0 : letter,
        Number(number) * cluster,
        Math.min(size, (Number(number) + 1) * cluster),
      );
    await writeFile(path('expected'), below);
    execFileSync('qemu-img', ['compare', '-q', '-f', 'qcow2', '-F', 'raw', path('disk'), path('expected')]);
    await using layer = await open(path('disk'));
    expect(await letters([layer])).toEqual(content);
  });

  it('may be as large as a disk can be', async () => {
    requireTool('qemu-img');
    await using folder = await temporaryFolder();
    const disk = join(folder.path, 'disk');
    await writeOverlay(disk, { size: 2 ** 41 }, written({ 0: 'a', 70: 'b' }));
    execFileSync('qemu-img', ['check', '-q', '-f', 'qcow2', disk]);
  });
});

describe('layers', () => {
  it('hide what is below them, zeros included, and nothing else', async () => {
    await using folder = await temporaryFolder();
    const path = (name: string) => join(folder.path, name);
    const raw = Buffer.alloc(size);
    raw.fill('r', 2 * cluster, 6 * cluster);
    await writeFile(path('raw'), raw);
    await writeOverlay(path('middle'), { size }, written({ 3: 'm', 4: 'm', 9: 'm' }));
    await writeOverlay(path('top'), { size }, written({ 0: 't', 4: '.', 5: 't', 80: 't' }));
    await using lowest = await openRawLayer(path('raw'));
    await using middle = await open(path('middle'));
    await using top = await open(path('top'));
    expect(await letters([lowest, middle, top])).toEqual({
      ...{ 0: 't', 2: 'r', 3: 'm', 4: '.', 5: 't', 9: 'm', 80: 't' },
    });
  });
});
