import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gva, gvaProgram, readResult, temporaryFolder } from '../support/gva.js';
import { startRunning } from '../support/running.js';

// Media that come while a guest runs (docs/channels.md, "While it runs: media"), with real guests. GVA_LONG: fifty of them.

const swaps = process.env['GVA_LONG'] === undefined ? 3 : 50;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let env: Record<string, string>;
beforeAll(async () => {
  folder = await temporaryFolder();
  env = { XDG_CACHE_HOME: join(folder.path, 'cache') };
});
afterAll(() => folder[Symbol.asyncDispose]());

const start = (home: string, job: string, words: readonly string[]) =>
  startRunning(home, { job }, words, env);

/** A folder with a random file, and a script that says which it has found, once for each time it is run. */
async function medium(path: string, word: string): Promise<string> {
  await mkdir(join(path, 'script-bin'), { recursive: true });
  await writeFile(join(path, 'word'), word);
  await writeFile(join(path, 'filling'), randomBytes(200_000));
  const script = join(path, 'script-bin/10-say');
  await writeFile(
    script,
    '#!/bin/sh\necho "$(cat "$GVA_INSERTED/word") $(md5sum </inserted/filling)" >>/output/words\n',
  );
  await chmod(script, 0o755);
  return path;
}

const waits = 'until [ -e /output/go ]; do sleep 0.1; done';
const ways = [
  ['uml', 'mailbox'],
  ['qemu', 'cd'],
  ['qemu', 'disk'],
  ['qemu', 'mailbox'],
] as const;

describe.each(ways)('under %s by %s', (vmm, by) => {
  it(`${swaps} media come one after the other, each as it is, and each script is run once`, async () => {
    const home = join(folder.path, `${vmm}-${by}`);
    const { name, out, ended } = await start(home, waits, ['--vmm', vmm, '--start', 'cold']);
    const words: string[] = [];
    for (let i = 0; i < swaps; i++) {
      // The same name at the same place, of the same size: what stands in a cache would do.
      const source = await medium(join(home, 'medium'), `word${i % 3}`);
      words.push(`word${i % 3}`);
      const said = await gva(['insert', name, source, '--by', by, '--json'], env);
      expect(said).toMatchObject({ code: 0, stderr: '' });
      expect(JSON.parse(said.stdout)).toMatchObject({ by, scripts: 1, failed: 0 });
    }
    const inside = await gva(['exec', name, '--', 'cat', '/inserted/word'], env);
    expect(inside).toMatchObject({ code: 0, stdout: words.at(-1) });
    await gva(['exec', name, '--', 'touch', '/output/go'], env);
    expect(await ended).toEqual([0, null]);
    const lines = (await readFile(join(out, 'output/words'), 'utf8')).trim().split('\n');
    expect(lines.map((line) => line.split(' ')[0])).toEqual(words);
    // Each had a filling of its own.
    expect(new Set(lines).size).toBe(swaps);
    const logs = (await readdir(join(out, 'output/.gva'))).filter((log) => log.endsWith('-10-say.status'));
    expect(logs).toHaveLength(swaps);
    expect((await readResult(out)).scripts).toEqual([
      expect.objectContaining({ name: '50-autorun', status: 0 }),
    ]);
  });
});

it('what is wrong is told: no image, one too big, one in use, a script that fails; and an ISO image is as good', async () => {
  const home = join(folder.path, 'wrong');
  const { name, ended } = await start(home, waits, ['--vmm', 'uml']);
  const insert = (...words: string[]) => gva(['insert', name, ...words], env);
  await writeFile(join(home, 'text'), 'no image');
  expect(await insert(join(home, 'text'))).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('neither a folder nor an ISO image') as string,
  });
  expect(await insert(join(home, 'nothing'))).toMatchObject({ code: 2 });
  expect(await insert(await medium(join(home, 'cd'), 'x'), '--by', 'cd')).toMatchObject({
    code: 69,
    stderr: expect.stringContaining('--by mailbox') as string,
  });
  expect(await insert(join(home, 'cd'), '--by', 'disk')).toMatchObject({ code: 69 });
  const iso = join(home, 'some.iso');
  const { writeIso } = await import('../../src/disk/iso9660/index.js');
  const script = { kind: 'file', path: 'script-bin/20-fails', mode: 0o755 } as const;
  const content = Buffer.from('#!/bin/sh\nexit 3\n');
  await writeIso(iso, [{ ...script, content }], { volumeId: 'ANY' });
  expect(await insert(iso)).toEqual({ code: 1, stdout: '', stderr: '1 script run, 1 failed\n' });

  const user = spawn(
    process.execPath,
    [gvaProgram, 'exec', name, '--', 'sh', '-c', 'cd /inserted; echo in; cat'],
    {
      env: { ...process.env, ...env },
      stdio: ['pipe', 'pipe', 'ignore'],
    },
  );
  await once(user.stdout, 'data');
  const busy = insert(join(home, 'cd'));
  expect(await busy).toMatchObject({ code: 69, stderr: expect.stringContaining('still uses') as string });
  user.stdin.end();
  await once(user, 'exit');
  expect(await insert(join(home, 'cd'))).toMatchObject({ code: 0 });
  await gva(['exec', name, '--', 'touch', '/output/go'], env);
  await ended;
  expect(await insert(join(home, 'cd'))).toMatchObject({ code: 2 });
});

it('a script that runs when the appliance ends comes to its end; with --keep-running the guest stays until it is told', async () => {
  const home = join(folder.path, 'ends');
  const slow = join(home, 'slow');
  await mkdir(join(slow, 'script-bin'), { recursive: true });
  await writeFile(
    join(slow, 'script-bin/a'),
    '#!/bin/sh\ntouch /output/go; sleep 1; echo whole >/output/slow\n',
  );
  await chmod(join(slow, 'script-bin/a'), 0o755);
  const first = await start(home, waits, ['--vmm', 'uml']);
  expect(await gva(['insert', first.name, slow], env)).toMatchObject({ code: 0 });
  expect(await first.ended).toEqual([0, null]);
  expect(await readFile(join(first.out, 'output/slow'), 'utf8')).toBe('whole\n');

  const second = await start(join(home, 'second'), 'echo ran >ran', ['--vmm', 'uml', '--keep-running']);
  expect(await gva(['insert', second.name, await medium(join(home, 'm'), 'late')], env)).toMatchObject({
    code: 0,
  });
  expect(await gva(['shutdown', second.name], env)).toMatchObject({ code: 0 });
  expect(await second.ended).toEqual([0, null]);
  expect(await readFile(join(second.out, 'output/words'), 'utf8')).toContain('late');
  expect(await readResult(second.out)).toMatchObject({ state: 'done' });
});
