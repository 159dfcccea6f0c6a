import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FairShare } from '../../../src/sweep/schedule/fair-share.js';
import { divide } from '../../../src/sweep/schedule/shares.js';
import { processIdentity } from '../../../src/system/process-identity.js';
import { temporarySibling } from '../../../src/system/temporary.js';
import { leaveBeside } from '../../support/left-over.js';

describe('CPUs are divided', () => {
  test.each([
    [8, [8], [8]],
    [8, [8, 8], [4, 4]],
    [8, [2, 8], [2, 6]],
    [8, [1, 2, 8, 8], [1, 2, 2, 3]],
    [7, [7, 7], [3, 4]],
    [2, [2, 2, 2], [1, 1, 1]],
    [8, [1, 1], [1, 1]],
  ])('%d among wishes of %j: %j', (cpus, wishes, expected) => {
    const shares = divide(
      cpus,
      wishes.map((wish, index) => ({ id: `s${index}`, cpus: wish })),
    );
    expect([...shares.values()]).toEqual(expected);
  });

  test('fairly: nobody has more than wished or than the part of one who has not enough, and none is left', () => {
    const wishes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 64 }), wishes, fc.nat(), (cpus, sizes, turn) => {
        const all = sizes.map((size, index) => ({ id: `s${index}`, cpus: size }));
        const shares = divide(cpus, all);
        const turned = [...all.slice(turn % all.length), ...all.slice(0, turn % all.length)];
        expect([...divide(cpus, turned)].sort()).toEqual([...shares].sort());
        const sum = [...shares.values()].reduce((a, b) => a + b);
        const wished = sizes.reduce((a, b) => a + b);
        expect(sum).toBe(Math.max(all.length, Math.min(cpus, wished)));
        const most = Math.max(...shares.values());
        for (const { id, cpus: wish } of all) {
          expect(shares.get(id)).toBeLessThanOrEqual(wish);
          if (shares.get(id)! < wish) expect(shares.get(id)).toBeGreaterThanOrEqual(most - 1);
        }
      }),
    );
  });
});

describe('running sweeps', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gva-share-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const claim = (wish: number, using = 0) => ({ wish, using });

  test('see one another, until they go', async () => {
    const running = join(folder, 'below', 'running');
    await using first = await FairShare.join(running, 8);
    expect(await first.update(claim(8, 8))).toEqual({ cpus: 8, sweeps: 1, otherSweeps: 0 });
    {
      await using second = await FairShare.join(running, 8);
      expect(await second.update(claim(8))).toEqual({ cpus: 4, sweeps: 2, otherSweeps: 8 });
      expect(await first.update(claim(8, 4))).toEqual({ cpus: 4, sweeps: 2, otherSweeps: 0 });
      // Its last point.
      await second.update(claim(1, 1));
      expect(await first.update(claim(8, 4))).toEqual({ cpus: 7, sweeps: 2, otherSweeps: 1 });
    }
    expect(await first.update(claim(8))).toEqual({ cpus: 8, sweeps: 1, otherSweeps: 0 });
    expect(await readdir(running)).toHaveLength(1);
  });

  test('one that wishes for more than there is gets it as long as it is alone', async () => {
    await using first = await FairShare.join(folder, 2);
    expect(await first.update(claim(8))).toMatchObject({ cpus: 8 });
    expect(await first.update(claim(Infinity))).toMatchObject({ cpus: 1e6 });
    await using second = await FairShare.join(folder, 2);
    expect(await second.update(claim(Infinity))).toMatchObject({ cpus: 1, sweeps: 2 });
    expect(await first.update(claim(Infinity))).toMatchObject({ cpus: 1, sweeps: 2 });
  });

  test('what -j asks for is divided, where it is more than there is', async () => {
    await using first = await FairShare.join(folder, 2);
    await first.update({ ...claim(8), asked: 8 });
    await using second = await FairShare.join(folder, 2);
    expect(await second.update(claim(100))).toMatchObject({ cpus: 4 });
    await first.update({ ...claim(1), asked: 8 });
    expect(await second.update(claim(2))).toMatchObject({ cpus: 2 });
  });

  test('what a killed one left is removed; what cannot be judged is left alone and does not count', async () => {
    const child = spawn('sleep', ['60'], { stdio: 'ignore' });
    await once(child, 'spawn');
    const identity = (await processIdentity(child.pid!))!;
    await writeFile(join(folder, 'sweep-killed'), JSON.stringify({ ...identity, ...claim(8) }));
    await using own = await FairShare.join(folder, 8);
    expect(await own.update(claim(8))).toMatchObject({ cpus: 4, sweeps: 2 });
    child.kill('SIGKILL');
    await once(child, 'exit');
    const elsewhere = { ...identity, realm: 'another boot', machine: 'another host' };
    await writeFile(join(folder, 'sweep-elsewhere'), JSON.stringify({ ...elsewhere, ...claim(8) }));
    await writeFile(join(folder, 'sweep-rubbish'), '{"pid":');
    await writeFile(join(folder, 'sweep-long'), 'x'.repeat(5000));
    await writeFile(join(folder, 'notes'), JSON.stringify({ ...identity, ...claim(8) }));
    expect(await own.update(claim(8))).toEqual({ cpus: 8, sweeps: 1, otherSweeps: 0 });
    const names = (await readdir(folder)).filter((name) => !/^sweep-[0-9a-f]{12}$/.test(name)).sort();
    expect(names).toEqual(['notes', 'sweep-elsewhere', 'sweep-long', 'sweep-rubbish']);
  });

  test('what one was about to tell when it was killed is removed, and that of a living one is not', async () => {
    leaveBeside(join(folder, 'sweep-killed'));
    const living = temporarySibling(join(folder, 'sweep-living'));
    await writeFile(living, '');
    await using own = await FairShare.join(folder, 8);
    await own.update(claim(8));
    const names = (await readdir(folder)).filter((name) => name.startsWith('.'));
    expect(names).toEqual([basename(living)]);
  });

  test.each([
    ['no numbers', { wish: 'all', using: null }, { cpus: 7, sweeps: 2, otherSweeps: 0 }],
    ['less than nothing', { wish: -5, using: -5 }, { cpus: 7, sweeps: 2, otherSweeps: 0 }],
    ['more than there is anywhere', { wish: 1e300 }, { cpus: 4, sweeps: 2, otherSweeps: 0 }],
  ])('a claim of %s does no harm', async (_, said, expected) => {
    await writeFile(
      join(folder, 'sweep-odd'),
      JSON.stringify({ ...(await processIdentity(process.pid)), ...said }),
    );
    await using own = await FairShare.join(folder, 8);
    expect(await own.update(claim(8))).toEqual(expected);
  });

  test('a folder that cannot be made', async () => {
    await writeFile(join(folder, 'file'), '');
    await expect(FairShare.join(join(folder, 'file', 'below'))).rejects.toThrow('of running sweeps');
  });
});
