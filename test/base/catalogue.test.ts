import { mkdir, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readCatalogue } from '../../src/base/catalogue/catalogue.js';
import { chooseBase, findEntries } from '../../src/base/choose.js';
import { noteRecipe } from '../../src/base/recipe/notes.js';
import { satisfies } from '../../src/base/satisfies.js';
import { loadBase } from '../../src/base/store.js';
import { wantedBase } from '../../src/base/wanted.js';
import type { BaseRequirements } from '../../src/model/base-wish.js';
import { bootsOf, distributionOf, originOf } from '../../src/model/base.js';
import type { GvaError } from '../../src/system/errors.js';
import { baseFolder, catalogueFile, recipeNotesFolder } from '../../src/system/paths.js';
import { publishTestBase } from '../support/bases.js';
import { type TestHome, makeTestHome } from '../support/fake-appliance.js';

let home: TestHome;
let said: string[];
beforeEach(async () => {
  home = await makeTestHome();
  said = [];
});
afterEach(() => home[Symbol.asyncDispose]());

const say = (text: string) => void said.push(text);
const names = async (requirements: BaseRequirements) =>
  (await findEntries(requirements, -1, say)).map(({ name }) => name);
const listed = () =>
  readCatalogue(true, say, (catalogue) => catalogue.list(true).map(({ name, current }) => [name, current]));

const debian = { id: 'debian', version: '12', codename: 'bookworm' };
const python = { python3: '3.11.2-1+b1' };

it('finds what has all that is required, the one with the fewest packages first', async () => {
  await publishTestBase('big', { distribution: debian, packages: { ...python, numpy: '1.24', r: '4' } });
  await publishTestBase('small', { distribution: debian, packages: python });
  await publishTestBase('old', { packages: { python3: '3.9.2-3' } });
  await publishTestBase('arm', { arch: 'aarch64', distribution: debian, packages: python });
  const requirements: [BaseRequirements, string[]][] = [
    [{ packages: [{ name: 'python3' }] }, ['arm', 'old', 'small', 'big']],
    [{ arch: 'x86_64', packages: [{ name: 'python3', relation: '>=', version: '3.11' }] }, ['small', 'big']],
    [{ packages: [{ name: 'python3', relation: '<<', version: '3.11' }] }, ['old']],
    [{ packages: [{ name: 'python3', relation: '>=', version: '4' }] }, []],
    [{ packages: [{ name: 'numpy', relation: '>=', version: '1.20' }, { name: 'python3' }] }, ['big']],
    [{ os: 'debian:bookworm', packages: [{ name: 'numpy' }, { name: 'r' }] }, ['big']],
    [{ os: 'debian:12', arch: 'aarch64' }, ['arm']],
    [{ os: 'linux', packages: [{ name: 'perl' }] }, []],
    [{ os: 'freebsd' }, []],
  ];
  for (const [each, expected] of requirements) {
    expect([...(await names(each))].sort(), JSON.stringify(each)).toEqual([...expected].sort());
    for (const name of ['big', 'small', 'old', 'arm'])
      expect(satisfies(await loadBase(name), each)).toBe(expected.includes(name));
  }
  expect((await names({ os: 'debian', arch: 'x86_64' }))[0]).toBe('small');
});

it('says of no match what the nearest lack, and what would make one', async () => {
  await publishTestBase('old', { distribution: debian, packages: { python3: '3.9.2-3' } });
  const wish: BaseRequirements = {
    os: 'linux',
    packages: [{ name: 'python3', relation: '>=', version: '3.11' }, { name: 'r-base-core' }],
  };
  await expect(chooseBase(wish, { say })).rejects.toMatchObject({
    code: 'BASE_UNMATCHED',
    message:
      'no base image on this machine has what is required: linux, python3 (>= 3.11), r-base-core\n' +
      '  old lacks python3 (>= 3.11), has 3.9.2-3; r-base-core',
    hint:
      'Build one: gva base build debian:bookworm --packages python3,r-base-core, if bookworm has python3 (>= 3.11)\n' +
      'Or write a recipe, to which more steps can be added, and build it: gva base build base.yaml\n' +
      '  name: python3\n  from: debian:bookworm\n  steps:\n    - packages: [python3, r-base-core]',
  });
});

it('says of no match which recipe that was built here would give one, as long as it is where it was', async () => {
  const file = join(home.folder, 'my recipes', 'base.yaml');
  await mkdir(dirname(file));
  await writeFile(file, 'name: numbers\n');
  const made = await publishTestBase('numbers', {
    distribution: debian,
    packages: { ...python, bc: '1.07' },
  });
  await noteRecipe(file, made);
  await noteRecipe(join(home.folder, 'gone.yaml'), made);
  await rm(baseFolder('numbers'), { recursive: true });
  const hintFor = async (wish: BaseRequirements) => {
    const error: unknown = await chooseBase(wish, { say }).catch((reason: unknown) => reason);
    return (error as GvaError).hint?.split('\n')[0];
  };
  const bc: BaseRequirements = {
    os: 'debian:12',
    packages: [{ name: 'bc', relation: '>=', version: '1.0' }],
  };
  expect(await hintFor(bc)).toBe(
    `Its recipe is here: gva base build '${file}' (numbers, built ${made.builtAt?.slice(0, 10)})`,
  );
  expect(await readdir(recipeNotesFolder())).toHaveLength(1);
  await expect(loadBase('numbers')).rejects.toMatchObject({
    hint: `Its recipe is here: gva base build '${file}'`,
  });
  expect(await hintFor({ packages: [{ name: 'dc' }] })).toMatch(/^Build one/);
  expect(await hintFor({ arch: 'aarch64', packages: [{ name: 'bc' }] })).toMatch(/^Bring one/);
  await writeFile(join(recipeNotesFolder(), `${'0'.repeat(32)}.json`), '{"format":');
  await rm(file);
  expect(await hintFor(bc)).toMatch(/^Build one/);
  expect(await readdir(recipeNotesFolder())).toEqual([]);
});

it('sees what comes and goes, whoever does it, and what replaces what', async () => {
  expect(await listed()).toEqual([]);
  await publishTestBase('one');
  await publishTestBase('two', {}, 'before');
  await publishTestBase('two', {}, 'after');
  expect(await listed()).toEqual([
    ['one', true],
    ['two', true],
    ['two', false],
  ]);
  await rm(baseFolder('one'), { recursive: true });
  expect(await names({})).toEqual(['two']);
  expect(await listed()).toEqual([
    ['two', true],
    ['two', false],
  ]);
  expect(said).toEqual([]);
});

it('a catalogue that cannot be read is moved aside and made anew; without one that can be written all works, too', async () => {
  await publishTestBase('one');
  await listed();
  const good = await readFile(catalogueFile());
  for (const damaged of [
    Buffer.from('no database'.repeat(500)),
    Buffer.concat([good.subarray(0, 4096), Buffer.alloc(good.length - 4096, 7)]),
  ]) {
    await writeFile(catalogueFile(), damaged);
    expect(await listed()).toEqual([['one', true]]);
    expect(said.splice(0)).toEqual([expect.stringMatching(/was damaged .* made anew$/)]);
  }
  const aside = (await readdir(join(home.folder, 'data/gva'))).filter((name) => name.endsWith('.old'));
  expect(aside).toHaveLength(2);
  await rm(catalogueFile());
  await mkdir(catalogueFile());
  expect(await listed()).toEqual([['one', true]]);
  expect(said.splice(0)).toEqual([expect.stringMatching(/their folders are read instead$/)]);
});

it('a base that cannot be used is listed, and never found', async () => {
  const { digest } = await publishTestBase('one');
  await writeFile(join(baseFolder('one'), digest.slice(0, 16), 'base.json'), '{');
  const entries = await readCatalogue(true, say, (catalogue) => catalogue.list());
  expect(entries).toMatchObject([
    { name: 'one', problem: expect.stringContaining('cannot be read') as string },
  ]);
  expect(await names({})).toEqual([]);
});

it('a base.json of November 2026 is as good as any', async () => {
  const folder = join(baseFolder('debian'), '1'.repeat(16));
  await mkdir(folder, { recursive: true });
  for (const file of ['root.img', 'vmlinux', 'initrd.img']) await writeFile(join(folder, file), 'four');
  const fixture = new URL('fixtures/base-2026-11.json', import.meta.url);
  await writeFile(join(folder, 'base.json'), await readFile(fixture));
  await symlink('1'.repeat(16), join(baseFolder('debian'), 'current'));
  const base = await loadBase('debian');
  expect([bootsOf(base), originOf(base), distributionOf(base)]).toEqual([
    ['direct', 'uml'],
    { kind: 'built', from: 'debian' },
    { id: 'debian', version: '12' },
  ]);
  expect(await names({ os: 'debian:12', packages: [{ name: 'python3' }] })).toEqual(['debian']);
});

it('a pinned base is kept, and missed when it is gone', async () => {
  const first = await publishTestBase('one', { packages: python }, 'first');
  await publishTestBase('one', { packages: python }, 'second');
  const wish: BaseRequirements = { packages: [{ name: 'python3' }] };
  const pinned = { name: 'one', digest: first.digest, strict: true };
  const loose = { ...pinned, strict: false };
  expect(await wantedBase(wish, { say, pinned: loose })).toMatchObject({ digest: first.digest });
  expect(await wantedBase('one', { say, pinned })).toMatchObject({ digest: first.digest });
  expect(await wantedBase(`one@${first.digest.slice(0, 20)}`, { say })).toMatchObject({
    digest: first.digest,
  });
  expect((await wantedBase('one', { say, pinned: loose })).digest).not.toBe(first.digest);
  expect(await wantedBase({ os: 'linux', packages: [] }, { say, pinned })).toMatchObject({
    digest: first.digest,
  });
  await rm(join(baseFolder('one'), first.digest.slice(0, 16)), { recursive: true });
  await expect(wantedBase('one', { say, pinned })).rejects.toMatchObject({ code: 'BASE_GONE' });
  expect((await wantedBase(wish, { say, pinned: loose })).digest).not.toBe(first.digest);
});
