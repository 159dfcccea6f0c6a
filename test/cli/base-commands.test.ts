import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { noteNeed } from '../../src/base/needs.js';
import { findBase } from '../../src/base/store.js';
import { publishTestBase } from '../support/bases.js';
import { type TestHome, makeTestHome } from '../support/fake-appliance.js';
import { gva } from '../support/gva.js';

let home: TestHome;
beforeEach(async () => (home = await makeTestHome()));
afterEach(() => home[Symbol.asyncDispose]());

/** Something that needs a base, as long as its file is there. */
async function needed(digest: string): Promise<string> {
  const path = join(home.folder, 'thin.ova');
  await writeFile(path, '');
  await noteNeed(digest, { kind: 'package', path });
  return path;
}

describe('gva base show', () => {
  it('says what is known of a base, and who needs it', async () => {
    const { digest } = await publishTestBase('one', { packages: { bc: '1.07' } });
    const path = await needed(digest);
    const { code, stdout } = await gva(['base', 'show', 'one', '--packages']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^name +one\n/);
    for (const text of [digest, 'base one', `needed by    package ${path}`, '  bc 1.07'])
      expect(stdout).toContain(text);
    const json = await gva(['base', 'show', `one@${digest.slice(0, 6)}`, '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({
      ...{ name: 'one', digest, packages: { bc: '1.07' } },
      neededBy: [{ kind: 'package', path }],
    });
  });

  it('names the one that was meant where there is none', async () => {
    await publishTestBase('numpy');
    const { code, stderr } = await gva(['base', 'show', 'nunpy']);
    expect(code).not.toBe(0);
    expect(stderr).toContain('Did you mean numpy?');
  });
});

describe('gva base rm', () => {
  it('removes one, and says so', async () => {
    const { digest } = await publishTestBase('one');
    const { code, stderr } = await gva(['base', 'rm', 'one']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: `removed: one@${digest.slice(0, 16)}\n` });
    expect(await findBase('one')).toBeUndefined();
  });

  it('refuses what is needed, unless by force', async () => {
    const path = await needed((await publishTestBase('one')).digest);
    const { code, stderr } = await gva(['base', 'rm', 'one']);
    expect(code).toBe(2);
    expect(stderr).toContain(`is needed by the thin package ${path}`);
    expect(await findBase('one')).toBeDefined();
    expect((await gva(['base', 'rm', 'one', '--force'])).code).toBe(0);
    expect(await findBase('one')).toBeUndefined();
  });

  it('removes several of one name only where that is meant', async () => {
    const first = await publishTestBase('one', {}, 'first');
    await publishTestBase('one', {}, 'second');
    const { code, stderr } = await gva(['base', 'rm', 'one']);
    expect(code).toBe(2);
    expect(stderr).toContain('that would remove 2 base images');
    expect(await findBase('one')).toBeDefined();
    expect((await gva(['base', 'rm', `one@${first.digest.slice(0, 16)}`])).code).toBe(0);
    await publishTestBase('one', {}, 'third');
    expect((await gva(['base', 'rm', 'one', '--yes'])).code).toBe(0);
    expect(await findBase('one')).toBeUndefined();
  });
});

describe('gva base prune', () => {
  it('removes those of before, and leaves and names what is needed', async () => {
    const first = await publishTestBase('one', {}, 'first');
    const second = await publishTestBase('one', {}, 'second');
    const third = await publishTestBase('one', {}, 'third');
    const path = await needed(second.digest);
    const dry = await gva(['base', 'prune', '--earlier', '--dry-run']);
    expect(dry.stderr).toContain(`would go: one@${first.digest.slice(0, 16)}`);
    const { code, stdout } = await gva(['base', 'prune', '--earlier', '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      removed: [{ base: `one@${first.digest.slice(0, 16)}` }],
      kept: [
        {
          base: `one@${second.digest.slice(0, 16)}`,
          reasons: [`needed by the thin package ${path}`],
        },
      ],
      dryRun: false,
    });
    const { stdout: list } = await gva(['base', 'list', '--all', '--json']);
    for (const { digest } of [second, third]) expect(list).toContain(digest);
    expect(list).not.toContain(first.digest);
  });

  it('wants to be told what is to go', async () => {
    const { code, stderr } = await gva(['base', 'prune']);
    expect(code).toBe(2);
    expect(stderr).toContain('nothing says which base images are to go');
  });
});
