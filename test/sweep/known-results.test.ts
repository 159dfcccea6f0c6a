import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { KnownResults } from '../../src/sweep/known-results.js';
import { pointFolder, resultsCacheFolder } from '../../src/system/paths.js';
import { digestText } from '../../src/system/files.js';
import { type TestHome, makeTestHome } from '../support/fake-appliance.js';

let home: TestHome;
beforeEach(async () => {
  home = await makeTestHome();
});
afterEach(() => home[Symbol.asyncDispose]());

const moments = [
  ...['staged', 'booted', 'ready', 'scriptsStarted', 'scriptsEnded', 'poweredOff', 'collected'],
];

/** A result of another sweep, of which it has told. */
async function known(name: string): Promise<{ sweep: KnownResults; id: string }> {
  const other = join(home.folder, name);
  const id = digestText(name);
  await mkdir(pointFolder(other, 0), { recursive: true });
  const times = Object.fromEntries(moments.map((moment) => [moment, null]));
  const result = { format: 'gva-result/1', identity: id, state: 'done', scripts: [], times };
  await writeFile(join(pointFolder(other, 0), 'result.json'), JSON.stringify(result));
  await new KnownResults(other, true).remember(0, id);
  return { sweep: new KnownResults(join(home.folder, 'sweep'), true), id };
}

/** Notes of other work. */
async function notes(id: string, count: number): Promise<void> {
  const shard = join(resultsCacheFolder(), id.slice(0, 2));
  await mkdir(shard, { recursive: true });
  const name = (number: number) => id.slice(0, 2) + digestText(String(number)).slice(2);
  await Promise.all(
    Array.from({ length: count }, (_, number) => writeFile(join(shard, name(number)), dirname(shard))),
  );
}

test.each([0, 10, 3000])('is found among %i notes of other work', async (count) => {
  const { sweep, id } = await known(`other-${count}`);
  await notes(id, count);
  expect(await sweep.adopt(0, id)).toMatchObject({ identity: id, state: 'done' });
  expect(
    await sweep.adopt(
      1,
      id.replace(/.$/, (last) => (last === '0' ? '1' : '0')),
    ),
  ).toBeUndefined();
});

test('nothing is asked of other sweeps where they share nothing', async () => {
  const { id } = await known('other');
  expect(await new KnownResults(join(home.folder, 'sweep'), false).adopt(0, id)).toBeUndefined();
});
