import { execFileSync } from 'node:child_process';
import { readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { importBase } from '../../src/base/archive/import.js';
import { exportBase } from '../../src/base/archive/write.js';
import { loadBase } from '../../src/base/store.js';
import { filesOf } from '../../src/model/base.js';
import { basesFolder } from '../../src/system/paths.js';
import { publishTestBase } from '../support/bases.js';
import { type TestHome, makeTestHome } from '../support/fake-appliance.js';

let home: TestHome;
const { signal } = new AbortController();
const say = () => undefined;
beforeEach(async () => (home = await makeTestHome()));
afterEach(() => home[Symbol.asyncDispose]());

async function exported(): Promise<string> {
  await publishTestBase('one', { packages: { python3: '3.11' } });
  const file = join(home.folder, 'one.gva-base');
  await exportBase(await loadBase('one'), file, signal);
  return file;
}

it('another user gets the same base, and GNU tar can look into the file', async () => {
  const file = await exported();
  const one = await loadBase('one');
  expect((await stat(file)).size).toBeLessThan(8 << 10);
  vi.stubEnv('XDG_DATA_HOME', join(home.folder, 'other'));
  const manifest = await importBase(file, undefined, say, signal);
  const other = await loadBase('one');
  expect(other).toMatchObject({
    digest: one.digest,
    packages: one.packages,
    builtAt: one.builtAt,
    imported: manifest.imported,
  });
  for (const { name } of filesOf(one))
    expect(
      (await readFile(join(other.folder, name))).equals(await readFile(join(one.folder, name))),
      name,
    ).toBe(true);
  const archive = execFileSync('zstd', ['-dc', file]);
  const root = execFileSync('tar', ['-xOf', '-', 'root.img'], { input: archive });
  expect(root.equals(await readFile(join(one.folder, 'root.img')))).toBe(true);
});

it('an archive that was changed, cut off or made by a stranger is refused, and leaves nothing', async () => {
  const archive = execFileSync('zstd', ['-dc', await exported()]);
  vi.stubEnv('XDG_DATA_HOME', join(home.folder, 'other'));
  const refused = async (bytes: Buffer) => {
    const file = join(home.folder, 'hostile');
    await writeFile(file, execFileSync('zstd', ['-c'], { input: bytes }));
    const error: unknown = await importBase(file, undefined, say, signal).catch((each: unknown) => each);
    expect(await readdir(basesFolder()).catch(() => [])).toEqual([]);
    return String(error);
  };
  const replaced = (from: string, to: string) =>
    Buffer.from(archive.toString('latin1').replaceAll(from, to), 'latin1');
  expect(await refused(archive.subarray(0, 3000))).toMatch(/cut off/);
  expect(await refused(archive.subarray(0, 600))).toMatch(/cut off/);
  expect(await refused(replaced('"root.img"', '"../x.img"'))).toMatch(/cannot be read|names other files/);
  expect(await refused(replaced('"name": "one"', '"name": "../"'))).toMatch(/names other files/);
  expect(await refused(replaced('one\0', 'two\0'))).toMatch(/another digest than when it was made/);
  expect(await refused(replaced('\n131072\n', '\n999999\n'))).toMatch(/leads outside of it/);
  expect(await refused(replaced('realsize=262144', 'realsize=999999'))).toMatch(/should be/);
  expect(await refused(Buffer.alloc(10_240))).toMatch(/IMPORT_REFUSED|is no base image/);
  const plain = join(home.folder, 'plain');
  await writeFile(plain, archive);
  await expect(importBase(plain, undefined, say, signal)).rejects.toThrow(/not compressed by zstd/);
});
