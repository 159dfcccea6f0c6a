import { randomBytes } from 'node:crypto';
import {
  chmod,
  chown,
  mkdir,
  readFile,
  readdir,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ImageCache } from '../../src/grid/worker/image-cache.js';
import { removeImage } from '../../src/grid/worker/image-room.js';
import { openNodeFolder } from '../../src/grid/worker/node-folder.js';
import type { GridImage } from '../../src/model/grid.js';
import { digestFile } from '../../src/system/files.js';
import { processIdentity } from '../../src/system/process-identity.js';
import { temporarySibling } from '../../src/system/temporary.js';
import { type TestHome, makeTestHome } from '../support/fake-appliance.js';

let home: TestHome;
let node: string;
beforeEach(async () => {
  home = await makeTestHome();
  node = (await openNodeFolder(home.folder)).folder ?? '';
});
afterEach(() => home[Symbol.asyncDispose]());

const patience = { seconds: 0, signal: new AbortController().signal, log: () => undefined };
const limit = 2 ** 30;

/** An image, half of it zeros, and its file on the shared file system. */
async function makeImage(size = 1 << 20): Promise<{ image: GridImage; source: string }> {
  const source = join(home.folder, `image-${randomBytes(4).toString('hex')}`);
  await writeFile(source, randomBytes(size / 2));
  await truncate(source, size);
  return { image: { size, sha256: await digestFile(source) }, source };
}

const images = async () =>
  (await readdir(join(node, 'images'))).filter((name) => /^[0-9a-f]{64}$/.test(name));
const others = async () =>
  (await readdir(join(node, 'images'))).filter((name) => /\.tmp$|^\.lock|^\.use-/.test(name));
/** Who uses images later than others, in seconds since 1970. */
const usedAt = (sha256: string, at: number) => utimes(join(node, 'images', `.used-${sha256}`), at, at);

describe('an image', () => {
  test('is copied once, as a sparse file that nobody writes to, and found again', async () => {
    const { image, source } = await makeImage();
    const cache = new ImageCache(node, limit);
    const first = await cache.stage(image, source, patience);
    expect(first).toEqual({ file: join(node, 'images', image.sha256), bytes: image.size });
    const info = await stat(first.file);
    expect(info.mode & 0o777).toBe(0o444);
    expect(info.blocks * 512).toBeLessThan(image.size * 0.75);
    expect(await readFile(first.file)).toEqual(await readFile(source));
    expect(await cache.stage(image, source, patience)).toEqual({ ...first, bytes: 0 });
    expect(await others()).toEqual([]);
  });

  test('that many want at the same moment is copied once', async () => {
    const { image, source } = await makeImage(8 << 20);
    const staged = await Promise.all(
      Array.from({ length: 6 }, () => new ImageCache(node, limit).stage(image, source, patience)),
    );
    expect(staged.map(({ bytes }) => bytes).sort()).toEqual([0, 0, 0, 0, 0, image.size]);
    expect(new Set(staged.map(({ file }) => file)).size).toBe(1);
    expect(await others()).toEqual([]);
  });

  test('that is damaged where it comes from is told by its name, and not kept', async () => {
    const { image, source } = await makeImage();
    const bytes = await readFile(source);
    bytes[1000]! ^= 1;
    await writeFile(source, bytes);
    await expect(new ImageCache(node, limit).stage(image, source, patience)).rejects.toMatchObject({
      code: 'IMAGE_DIGEST',
      message: expect.stringContaining(source) as unknown,
      hint: expect.any(String) as unknown,
    });
    expect(await images()).toEqual([]);
    expect(await others()).toEqual([]);
  });

  test('that was damaged on the node is copied again', async () => {
    const { image, source } = await makeImage();
    const cache = new ImageCache(node, limit);
    const { file } = await cache.stage(image, source, patience);
    await chmod(file, 0o644);
    const bytes = await readFile(file);
    bytes[1000]! ^= 1;
    await writeFile(file, bytes);
    expect(await cache.stage(image, source, patience)).toEqual({ file, bytes: image.size });
    expect(await digestFile(file)).toBe(image.sha256);
  });

  test('whose copier was killed is copied anew, and its half copy goes', async () => {
    const { image, source } = await makeImage();
    const folder = join(node, 'images');
    await writeFile(join(folder, `.${image.sha256}.0123456789ab.tmp`), 'half');
    const dead = { ...(await processIdentity(process.pid)), start: '1' };
    await writeFile(join(folder, `.lock-${image.sha256.slice(0, 16)}-0123456789ab`), JSON.stringify(dead));
    expect(await new ImageCache(node, limit).stage(image, source, patience)).toMatchObject({
      bytes: image.size,
    });
    expect(await others()).toEqual([]);
  });

  test('that does not come within the limit is used where it is, once its digest is known', async () => {
    const { image, source } = await makeImage();
    const cache = new ImageCache(node, 1000);
    const staged = await cache.stage(image, source, patience);
    expect(staged).toEqual({ file: source, bytes: 0, inPlace: expect.stringMatching(/too much/) as unknown });
    await writeFile(source, 'other');
    await expect(cache.stage(image, source, patience)).rejects.toMatchObject({ code: 'IMAGE_DIGEST' });
  });
});

describe('where room is short', () => {
  test('the image that was not used for the longest time goes, and none that a process uses', async () => {
    const made = await Promise.all(Array.from({ length: 4 }, () => makeImage()));
    // Each takes half of its size; there is room for three.
    const cache = new ImageCache(node, 1_700_000);
    const digests = made.map(({ image }) => image.sha256);
    for (const { image, source } of made.slice(0, 3)) await cache.stage(image, source, patience);
    await usedAt(digests[0]!, 1000);
    await usedAt(digests[1]!, 3000);
    await usedAt(digests[2]!, 2000);
    const use = await cache.use([made[0]!.image]);
    await cache.stage(made[3]!.image, made[3]!.source, patience);
    expect((await images()).sort()).toEqual([digests[0], digests[1], digests[3]].sort());
    await use[Symbol.asyncDispose]();
    // Its use has ended just now: it is not the oldest any more.
    await usedAt(digests[3]!, 4000);
    await cache.stage(made[2]!.image, made[2]!.source, patience);
    expect((await images()).sort()).toEqual([digests[0], digests[2], digests[3]].sort());
    expect(await readdir(join(node, 'images'))).not.toContain(`.used-${digests[1]}`);
  });

  test('one that somebody has begun to use while it was chosen to go is put back', async () => {
    const { image, source } = await makeImage();
    const cache = new ImageCache(node, limit);
    const { file } = await cache.stage(image, source, patience);
    const use = await cache.use([image]);
    expect(await removeImage(join(node, 'images'), image.sha256)).toBe(false);
    expect(await digestFile(file)).toBe(image.sha256);
    await use[Symbol.asyncDispose]();
    expect(await removeImage(join(node, 'images'), image.sha256)).toBe(true);
    expect(await images()).toEqual([]);
  });

  test('half copies of dead processes go, those of living ones never, whatever the time of day is', async () => {
    const folder = join(node, 'images');
    const living = temporarySibling(join(folder, 'a'.repeat(64)));
    const dead = living.replace(/[0-9a-f]{10}(?=[0-9a-f]{8}\.tmp$)/, '0000000001');
    for (const file of [living, dead]) {
      await writeFile(file, 'half');
      await utimes(file, 1, 1);
    }
    const { image, source } = await makeImage();
    await new ImageCache(node, limit).stage(image, source, patience);
    expect(await others()).toEqual([basename(living)]);
  });

  test("what a killed process used is nobody's; what one of another container uses is kept", async () => {
    const made = await Promise.all([makeImage(), makeImage(), makeImage()]);
    const [first, second, third] = made;
    const cache = new ImageCache(node, 1_200_000);
    for (const { image, source } of [first, second]) await cache.stage(image, source, patience);
    const own = await processIdentity(process.pid);
    const use = (name: string, process: object, image: GridImage) =>
      writeFile(join(node, 'images', `.use-${name}`), JSON.stringify({ ...process, images: [image.sha256] }));
    await use('dead', { ...own, start: '1' }, first.image);
    await use('elsewhere', { ...own, realm: 'another', machine: 'another' }, second.image);
    await usedAt(first.image.sha256, 2000);
    await usedAt(second.image.sha256, 1000);
    await cache.stage(third.image, third.source, patience);
    expect((await images()).sort()).toEqual([second.image.sha256, third.image.sha256].sort());
    expect(await others()).toEqual(['.use-elsewhere']);
  });
});

describe('the folder of a user on a node', () => {
  const uid = process.getuid?.() ?? 0;
  const name = (number?: number) =>
    join(home.folder, `gva-${uid}${number === undefined ? '' : `-${number}`}`);

  test('is for this user alone, and found again', async () => {
    expect(node).toBe(name());
    expect((await stat(node)).mode & 0o777).toBe(0o700);
    await chmod(node, 0o755);
    expect(await openNodeFolder(home.folder)).toEqual({ folder: node });
    expect((await stat(node)).mode & 0o777).toBe(0o700);
  });

  test('is another one where the first can be written to by others, is a link, or no folder', async () => {
    await chmod(node, 0o777);
    await symlink(home.scratch, name(2));
    await writeFile(name(3), '');
    expect(await openNodeFolder(home.folder)).toEqual({ folder: name(4) });
    expect(await readdir(home.scratch)).toEqual([]);
  });

  test.skipIf(uid !== 0)(
    "is another one where the first is somebody else's (only root can make one)",
    async () => {
      await chown(node, 12345, 12345);
      expect(await openNodeFolder(home.folder)).toEqual({ folder: name(2) });
    },
  );

  test('there is none where all names are taken, or the parent takes none', async () => {
    // As if this process were another user's, all of them are somebody else's.
    expect(await openNodeFolder(home.folder, uid + 1)).toEqual({
      problem: expect.stringMatching(/somebody else's/) as unknown,
    });
    await writeFile(join(home.folder, 'file'), '');
    expect(await openNodeFolder(join(home.folder, 'file'))).toEqual({
      problem: expect.stringMatching(/no folder of this user/) as unknown,
    });
  });
});

test('nothing is left in the folder of images by one whose signal comes while it waits', async () => {
  const { image, source } = await makeImage();
  const folder = join(node, 'images');
  await mkdir(folder, { recursive: true });
  const holder = join(folder, `.lock-${image.sha256.slice(0, 16)}-0123456789ab`);
  await writeFile(holder, JSON.stringify(await processIdentity(process.pid)));
  const controller = new AbortController();
  const log = () => controller.abort(new Error('told to end'));
  const waiting = new ImageCache(node, limit).stage(image, source, {
    ...patience,
    signal: controller.signal,
    log,
  });
  await expect(waiting).rejects.toThrow();
  expect(await others()).toEqual([holder.slice(folder.length + 1)]);
});
