import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readCatalogue } from '../../src/base/catalogue/catalogue.js';
import { noteNeed } from '../../src/base/needs.js';
import { planPrune } from '../../src/base/prune.js';
import { hindrances, removeBases } from '../../src/base/remove.js';
import { findBase } from '../../src/base/store.js';
import { noteUse } from '../../src/base/use.js';
import { baseUsedFile, basesFolder } from '../../src/system/paths.js';
import { publishTestBase } from '../support/bases.js';
import { type TestHome, makeTestHome } from '../support/fake-appliance.js';

let home: TestHome;
beforeEach(async () => (home = await makeTestHome()));
afterEach(() => home[Symbol.asyncDispose]());

const say = () => undefined;
const entries = () => readCatalogue(true, say, (catalogue) => catalogue.list(true));
const named = async (name: string) => (await entries()).filter((entry) => entry.name === name);

it('a base that something needs is not removed, until that is gone', async () => {
  const { digest } = await publishTestBase('one');
  const thin = join(home.folder, 'thin.ova');
  await writeFile(thin, '');
  await noteNeed(digest, { kind: 'package', path: thin });
  const chosen = await named('one');
  await expect(removeBases('one', chosen, false, say)).rejects.toMatchObject({
    code: 'BASE_NEEDED',
    message: `the base image is not removed:\none@${digest.slice(0, 16)} is needed by the thin package ${thin}`,
  });
  expect(await findBase('one')).toBeDefined();
  await rm(thin);
  await removeBases('one', chosen, false, say);
  expect(await readdir(basesFolder())).toEqual([]);
});

it('of several of one name, the newest that stays takes over', async () => {
  const first = await publishTestBase('one', {}, 'first');
  const second = await publishTestBase('one', {}, 'second');
  const [current] = await named('one');
  expect(current?.mark).toBe(second.digest.slice(0, 16));
  await removeBases('one', current ? [current] : [], false, say);
  expect((await findBase('one'))?.digest).toBe(first.digest);
});

it('prunes by last use and size, never what a process uses', async () => {
  for (const name of ['a', 'b', 'c']) await publishTestBase(name);
  const all = await entries();
  for (const [index, { folder }] of all.entries()) {
    noteUse({ folder });
    const date = new Date(Date.now() - (3 - index) * 86_400_000);
    await utimes(join(folder, baseUsedFile), date, date);
  }
  const [a, , c] = all;
  const going = async (rules: Parameters<typeof planPrune>[1]) =>
    (await planPrune(all, rules)).going.map(({ name }) => name);
  expect(await going({ unused: 86_400 * 2.5 })).toEqual(['a']);
  expect(await going({ size: c?.size ?? 0 })).toEqual(['a', 'b']);
  expect(await going({ earlier: true })).toEqual([]);
  // A process of another's: it has the file open until it ends.
  const user = spawn('tail', ['-f', join(a?.folder ?? '', baseUsedFile)], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  try {
    await expect.poll(() => a && hindrances(a)).toEqual([`in use by the process ${user.pid}`]);
    expect(await going({ size: 0 })).toEqual(['b', 'c']);
  } finally {
    user.kill();
    await once(user, 'close');
  }
});
