import { mkdir, readdir, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createScratch, removeAbandoned } from '../../src/instance/scratch.js';
import { makeTestHome } from '../support/fake-appliance.js';
import { processIdentity } from '../../src/system/process-identity.js';

const hour = 3600;

/** @param age seconds */
async function plant(path: string, files: Readonly<Record<string, string>>, age = hour): Promise<void> {
  await mkdir(path);
  for (const [name, text] of Object.entries(files)) await writeFile(join(path, name), text);
  const then = Date.now() / 1000 - age;
  await utimes(path, then, then);
}

test('of what processes left, that goes of which it is certain that nobody has it', async () => {
  await using home = await makeTestHome();
  const at = (name: string) => join(home.scratch, name);
  const own = (await processIdentity(process.pid))!;
  await plant(at('gva-of-the-dead'), {
    'owner.json': JSON.stringify({ ...own, start: '1' }),
    'output.img': 'x',
  });
  await plant(at('gva-empty'), {});
  // Killed while it wrote whose it is.
  await plant(at('gva-begun'), { 'owner.json': '' });
  await plant(at('gva-young'), { 'owner.json': '' }, 0);
  await plant(at('gva-alive'), { 'owner.json': JSON.stringify(own) });
  await plant(at('gva-kept'), { 'output.img': 'what could not be saved' });
  await plant(at('other'), {});
  await removeAbandoned(home.scratch);
  expect((await readdir(home.scratch)).sort()).toEqual(['gva-alive', 'gva-kept', 'gva-young', 'other']);
  expect(await readdir(at('gva-kept'))).toEqual(['output.img']);
  expect(await readdir(at('gva-young'))).toEqual(['owner.json']);
});

test('what was lost in a crash of the host goes, and what was kept when its results are there', async () => {
  await using home = await makeTestHome();
  const at = (name: string) => join(home.scratch, name);
  const identity = 'a'.repeat(64);
  const out = (state: string) => join(home.folder, state);
  for (const state of ['done', 'lost'])
    await plant(out(state), { 'result.json': JSON.stringify({ identity, state }) });
  // Nothing of the host is as old as this; its words never came to the disk.
  await plant(at('gva-of-before'), { 'owner.json': '', 'output.img': 'x' }, Date.now() / 1000 - 1);
  const kept = (state: string, id = identity) => ({
    'kept.json': JSON.stringify({ out: out(state), identity: id }),
    'output.img': 'x',
  });
  await plant(at('gva-again'), kept('done'));
  await plant(at('gva-lost-again'), kept('lost'));
  await plant(at('gva-not-yet'), kept('none'));
  await plant(at('gva-other'), kept('done', 'b'.repeat(64)));
  await removeAbandoned(home.scratch);
  expect((await readdir(home.scratch)).sort()).toEqual(['gva-lost-again', 'gva-not-yet', 'gva-other']);
});

test('is for its user alone', async () => {
  await using home = await makeTestHome();
  await using scratch = await createScratch(home.scratch);
  expect((await stat(scratch.folder)).mode & 0o777).toBe(0o700);
});
