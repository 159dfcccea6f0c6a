import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { inBuildFolder } from '../../src/base/build-folder.js';
import { ensureBase } from '../../src/base/ensure.js';
import { findBase, publishBase } from '../../src/base/store.js';
import { umlRelease } from '../../src/base/uml-host.js';
import { GvaError } from '../../src/system/errors.js';
import { baseFiles, basesFolder } from '../../src/system/paths.js';
import { type TestHome, makeTestHome } from '../support/fake-appliance.js';

let home: TestHome;
beforeEach(async () => (home = await makeTestHome()));
afterEach(() => home[Symbol.asyncDispose]());

let builds = 0;

const wanted = (name: string, content: string, force = false, meanwhile = () => Promise.resolve()) => ({
  ...{ name, inputs: 'same', force },
  build: () =>
    inBuildFolder(name, async (work) => {
      builds++;
      await meanwhile();
      const folder = join(work, 'base');
      await mkdir(folder);
      for (const file of Object.values(baseFiles)) await writeFile(join(folder, file), content);
      const uml = await umlRelease();
      return publishBase(folder, {
        ...{ name, description: '', kernelRelease: '0', packages: {}, inputs: 'same' },
        ...(uml === undefined ? {} : { umlRelease: uml }),
        portable: { kernelRelease: '0', rootOffset: 0, packages: {} },
      });
    }),
});
const said: string[] = [];
const say = (step: string) => said.push(step);

it('of two builds at once one waits, and takes what the other made', async () => {
  builds = 0;
  const slow = wanted('x', 'one', false, () => new Promise((resolve) => setTimeout(resolve, 500)));
  const outcomes = await Promise.all([ensureBase(slow, say), ensureBase(slow, say)]);
  expect(builds).toBe(1);
  expect(outcomes.map(({ built }) => built).sort()).toEqual([false, true]);
  expect(said.filter((step) => step.startsWith('waiting for another build')).length).toBeGreaterThan(0);
  expect(await readdir(basesFolder())).toEqual(['x']);
});

it('what waits can be interrupted; bases of other names do not wait', async () => {
  let release: () => void = () => undefined;
  const first = ensureBase(
    wanted('x', 'one', false, () => new Promise((resolve) => (release = resolve))),
    say,
  );
  await new Promise((resolve) => setTimeout(resolve, 300));
  const signal = AbortSignal.timeout(300);
  await expect(ensureBase(wanted('x', 'one'), say, signal)).rejects.toThrow();
  expect(await ensureBase(wanted('x-y', 'one'), say)).toMatchObject({ built: true });
  release();
  expect(await first).toMatchObject({ built: true });
});

it('a build that fails leaves nothing, and what is there stays', async () => {
  await ensureBase(wanted('x', 'one'), say);
  const failing = wanted('x', 'two', true, () => Promise.reject(new Error('no luck')));
  await expect(ensureBase(failing, say)).rejects.toThrow('no luck');
  expect(await readdir(basesFolder())).toEqual(['x']);
  expect(await findBase('x')).toBeDefined();
  await expect(ensureBase({ ...failing, name: 'y' }, say)).rejects.toThrow('no luck');
  expect(await readdir(basesFolder())).toEqual(['x']);
});

it('what killed builds left goes with the next one, and nothing of one that runs', async () => {
  for (const name of ['.build-x=abc', '.build-x-y=abc']) {
    await mkdir(join(basesFolder(), name, 'tree'), { recursive: true });
    await writeFile(join(basesFolder(), name, 'tree/file'), '');
  }
  let release: () => void = () => undefined;
  const running = ensureBase(
    wanted('running', 'one', false, () => new Promise((resolve) => (release = resolve))),
    say,
  );
  const ofRunning = async () =>
    (await readdir(basesFolder())).filter((name) => name.startsWith('.build-running='));
  await vi.waitFor(async () => expect(await ofRunning()).toHaveLength(1));
  expect(await ensureBase(wanted('x', 'one'), say)).toMatchObject({ built: true });
  expect(await ofRunning()).toHaveLength(1);
  release();
  expect(await running).toMatchObject({ built: true });
  expect((await readdir(basesFolder())).sort()).toEqual(['running', 'x']);
});

it('what a build makes for the guest does not depend on the umask', async () => {
  const umask = process.umask(0o077);
  try {
    const modes = await inBuildFolder('x', async (folder) => {
      await mkdir(join(folder, 'made'));
      return [(await stat(folder)).mode & 0o777, (await stat(join(folder, 'made'))).mode & 0o777];
    });
    expect(modes).toEqual([0o700, 0o755]);
    expect(process.umask(0o077)).toBe(0o077);
  } finally {
    process.umask(umask);
  }
});

it.each([
  Object.assign(new Error('write'), { code: 'ENOSPC' }),
  new GvaError('TOOL_FAILED', 'dpkg-deb failed: tar: x: Cannot write: No space left on device'),
])('a full disk is told as such (%s)', async (error) => {
  await expect(inBuildFolder('x', () => Promise.reject(error))).rejects.toMatchObject({
    code: 'HOST_FULL',
    message: `there is no room to build the base x in ${basesFolder()}`,
  });
  expect(await readdir(basesFolder())).toEqual([]);
});
