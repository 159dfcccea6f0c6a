import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { digestFile } from '../../src/system/files.js';
import { eventually, gva, gvaProgram, temporaryFolder, writeAppliance } from '../support/gva.js';

// The control channel (docs/channels.md) with real guests.

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let env: Record<string, string>;
beforeAll(async () => {
  folder = await temporaryFolder();
  env = { XDG_CACHE_HOME: join(folder.path, 'cache') };
});
afterAll(() => folder[Symbol.asyncDispose]());

/** Guests of the test that runs. What a test that fails leaves is not to be spoken with by the next one. */
const started: { readonly child: ChildProcess; readonly ended: Promise<unknown[]> }[] = [];
afterEach(async () => {
  for (const { child } of started) child.kill('SIGTERM');
  await Promise.all(started.splice(0).map(({ ended }) => ended));
});

/** Runs an appliance whose script goes on until it is told, up to where `gva ps` says that it is. */
async function guest(
  words: readonly string[],
  isThere = (state: string): boolean => state === 'scriptsStarted',
) {
  const child = spawn(process.execPath, [gvaProgram, 'run', ...words], {
    env: { ...process.env, ...env },
    stdio: 'ignore',
  });
  const ended = once(child, 'exit');
  started.push({ child, ended });
  let name = '';
  await eventually(async () => {
    const found = JSON.parse((await gva(['ps', '--json'], env)).stdout) as { id: string; state: string }[];
    name = found.find(({ state }) => isThere(state))?.id ?? '';
    return name !== '' || child.exitCode !== null;
  });
  return { name, child, ended };
}

const job = 'until [ -e /output/go ]; do sleep 0.1; done; echo ended >said';

const ways = [
  ['uml', 'cold', 100_000],
  ['qemu', 'cold', 16 << 20],
  ['qemu', 'warm', 3_000_000],
] as const;

describe.each(ways)('a guest under %s, started %s', (vmm, how, size) => {
  it('runs commands, takes files and gives them, and ends as if nobody had spoken with it', async () => {
    const home = join(folder.path, `${vmm}-${how}`);
    const appliance = await writeAppliance(home, { job });
    const out = join(home, 'out');
    const words = [appliance, '--channel', '--vmm', vmm, '--start', how, '--out', out, '--json'];
    const { name, ended } = await guest(words);

    const said = await gva(['exec', name, '--', 'sh', '-c', 'pwd; echo err >&2; exit 7'], env);
    expect(said).toEqual({ code: 7, stdout: '/output\n', stderr: 'err\n' });

    const bytes = randomBytes(size);
    const [sent, back] = [join(home, 'sent'), join(home, 'back')];
    await writeFile(sent, bytes);
    expect(await gva(['put', name, sent, '/output/got'], env)).toMatchObject({ code: 0, stderr: '' });
    expect(await gva(['get', name, '/output/got', back], env)).toMatchObject({ code: 0, stderr: '' });
    expect((await readFile(back)).equals(bytes)).toBe(true);

    const state = JSON.parse((await gva(['stat', name, '--json'], env)).stdout) as {
      uptime: number;
      disks: { folder: string; size: number }[];
    };
    expect(state.uptime).toBeGreaterThan(0);
    expect(state.disks.find((disk) => disk.folder === '/output')?.size).toBeGreaterThan(1 << 20);

    // By each way that there is, also in a guest that was woken.
    const medium = join(home, 'medium');
    await mkdir(medium);
    await writeFile(join(medium, 'file'), how);
    for (const way of vmm === 'qemu' ? ['cd', 'mailbox'] : ['mailbox']) {
      expect(await gva(['insert', name, medium, '--by', way], env)).toMatchObject({ code: 0 });
      const found = await gva(['exec', name, '--', 'cat', '/inserted/file'], env);
      expect(found).toEqual({ code: 0, stdout: how, stderr: '' });
    }

    expect(await gva(['get', name, '/output/none', back], env)).toMatchObject({
      code: 69,
      stderr: expect.stringContaining('no such file') as string,
    });
    expect(await gva(['exec', name, '--', 'no-such-program'], env)).toMatchObject({
      code: 69,
      stderr: expect.stringContaining('no such file') as string,
    });

    expect(await gva(['exec', name, '--', 'touch', '/output/go'], env)).toMatchObject({ code: 0 });
    expect(await ended).toEqual([0, null]);
    expect(await readFile(join(out, 'output/said'), 'utf8')).toBe('ended\n');
    expect((await readFile(join(out, 'output/got'))).equals(bytes)).toBe(true);
    expect(JSON.parse(await readFile(join(out, 'result.json'), 'utf8'))).toMatchObject({
      start: how,
      state: 'done',
    });
  });
});

// GVA_LONG
it.runIf(process.env['GVA_LONG'])(
  '1 GB of random bytes goes in and comes out unchanged',
  { timeout: 1_200_000 },
  async () => {
    const home = join(folder.path, 'large');
    const appliance = await writeAppliance(home, { job, yaml: 'output: { size: 1200M }\n' });
    const out = join(home, 'out');
    const { name, ended } = await guest([appliance, '--channel', '--vmm', 'qemu', '--out', out]);
    const [sent, back] = [join(home, 'sent'), join(home, 'back')];
    await writeFile(sent, Readable.from(randomPieces(1000)));
    expect(await gva(['put', name, sent, '/output/got'], env, home, 900)).toMatchObject({ code: 0 });
    expect(await gva(['get', name, '/output/got', back], env, home, 900)).toMatchObject({ code: 0 });
    const digest = await digestFile(sent);
    expect(await digestFile(back)).toBe(digest);
    expect((await gva(['exec', name, '--', 'touch', '/output/go'], env)).code).toBe(0);
    expect(await ended).toEqual([0, null]);
    expect(await digestFile(join(out, 'output/got'))).toBe(digest);
  },
);

/** So many megabytes. */
function* randomPieces(count: number): Generator<Buffer> {
  for (let n = 0; n < count; n++) yield randomBytes(1_000_000);
}

it('an instance without a channel, and one that is not there, are told', async () => {
  const home = join(folder.path, 'without');
  const appliance = await writeAppliance(home, { job });
  const words = [appliance, '--vmm', 'qemu', '--out', join(home, 'out')];
  const { name, child, ended } = await guest(words, () => true);
  expect(await gva(['exec', name, '--', 'true'], env)).toMatchObject({
    code: 69,
    stderr: expect.stringContaining('gva run --channel') as string,
  });
  child.kill('SIGTERM');
  await ended;
  expect(await gva(['exec', name, '--', 'true'], env)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('gva ps shows') as string,
  });
});

it('a copy that is killed leaves nothing behind, and a script that is asked to end does, with what it has written', async () => {
  const home = join(folder.path, 'ends');
  const appliance = await writeAppliance(home, { job: `echo begun >begun; ${job}` });
  const out = join(home, 'out');
  const { name, ended } = await guest([appliance, '--channel', '--vmm', 'qemu', '--out', out]);
  const files = async () => (await gva(['exec', name, '--', 'ls', '-A', '/output'], env)).stdout;

  const copy = spawn(process.execPath, [gvaProgram, 'put', name, '-', '/output/half'], {
    env: { ...process.env, ...env },
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  copy.stdin.write('half of it');
  await eventually(async () => (await files()).includes('half.gva-part'));
  copy.kill('SIGKILL');
  await eventually(async () => !(await files()).includes('half'));

  const missing = join(home, 'missing/file');
  expect(await gva(['get', name, '/output/begun', missing], env)).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^error: cannot write .*missing/) as string,
  });
  expect(await gva(['shutdown', name], env)).toEqual({ code: 0, stdout: '', stderr: '' });
  expect(await ended).toEqual([1, null]);
  expect(JSON.parse(await readFile(join(out, 'result.json'), 'utf8'))).toMatchObject({
    state: 'failed',
    cause: 'script-status',
    scripts: [{ status: 143 }],
  });
  expect(await readFile(join(out, 'output/begun'), 'utf8')).toBe('begun\n');
});
