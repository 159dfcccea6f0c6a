import { execFileSync, spawn } from 'node:child_process';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { DirectBase } from '../../src/base/store.js';
import { buildLimit, debianBase } from '../support/debian-base.js';
import {
  eventually,
  gva,
  gvaProgram,
  noneLeft,
  readResult,
  temporaryFolder,
  writeAppliance,
} from '../support/gva.js';
import { requireTool } from '../support/tools.js';

// What a Debian base is made of; that it keeps the guest contract is in guest-contract.test.ts.

let quick: DirectBase;
beforeAll(async () => {
  quick = await debianBase('quick');
}, buildLimit);

const debugfs = (request: string) =>
  execFileSync(requireTool('debugfs'), ['-R', request, join(quick.folder, quick.files.root.name)], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });

describe('a Debian base', () => {
  it('is a sound file system with the owners and modes of Debian', () => {
    execFileSync(requireTool('e2fsck'), ['-fn', join(quick.folder, quick.files.root.name)]);
    expect(debugfs('stat /usr/bin/su')).toMatch(/Mode: {2}04755[^]*User: +0 +Group: +0 /);
    // Owners by number: /usr/share/base-passwd/group.master has shadow as 42, mail as 8.
    expect(debugfs('stat /etc/shadow')).toMatch(/Mode: {2}0640[^]*User: +0 +Group: +42 /);
    expect(debugfs('stat /var/mail')).toMatch(/Mode: {2}02775[^]*User: +0 +Group: +8 /);
  });

  it('knows nothing of the machine that made it', () => {
    expect(debugfs('cat /etc/hostname')).toBe('gva\n');
    for (const path of ['/etc/resolv.conf', '/etc/apt/apt.conf.d/98gva', '/etc/apt/sources.list'])
      expect(debugfs(`stat ${path}`), path).toBe('');
    expect(debugfs('ls -p /etc/apt/sources.list.d').trim().split('\n')).toHaveLength(2);
  });

  it('runs Python with NumPy, and records what it has', async () => {
    await using folder = await temporaryFolder();
    const appliance = await writeAppliance(join(folder.path, 'a'), {
      yaml: `base: ${quick.name}\nparameters: { n: { type: int } }\n`,
      job: 'python3 /app/solve.py "$1" && dpkg-query -W -f \'${binary:Package} ${Version}\\n\' >packages',
      files: {
        'app/solve.py': [
          'import sys, numpy as np',
          'n = int(sys.argv[1])',
          'matrix = np.diag(np.arange(1.0, n + 1)) + np.ones((n, n))',
          'x = np.linalg.solve(matrix, matrix @ np.arange(n))',
          'print(np.__version__, np.allclose(x, np.arange(n)), int(np.rint(x.sum())))',
        ].join('\n'),
      },
    });
    const out = join(folder.path, 'out');
    const { code, stderr } = await gva(['run', appliance, '-p', 'n=50', '--vmm', 'uml', '--out', out]);
    expect(code, stderr).toBe(0);
    expect((await readResult(out)).state).toBe('done');
    const said = await readFile(join(out, 'output/.gva/50-autorun.stdout'), 'utf8');
    expect(said).toMatch(/^\d+\.\d+\S* True 1225\n$/);
    const installed = (await readFile(join(out, 'output/packages'), 'utf8')).trim().split('\n');
    const names = installed.map((line) => line.replace(/:amd64 /, ' '));
    expect(names.length).toBeGreaterThan(50);
    expect(Object.entries(quick.packages).map(([name, version]) => `${name} ${version}`)).toEqual(
      expect.arrayContaining(names),
    );
    expect(quick.contentSize).toBeGreaterThan(50e6);
  });
});

/** Builds a base and sends a signal when packages are being installed. @returns what was mounted by then */
async function buildUntilInstalling(place: Readonly<Record<string, string>>, signal: NodeJS.Signals) {
  const env = { ...process.env, ...place };
  const child = spawn(process.execPath, [gvaProgram, 'base', 'build', 'debian', '--name', 'x'], { env });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const state: { code?: number | null } = {};
  void ended.then((code) => (state.code = code));
  await eventually(() => said.includes('installing') || state.code !== undefined);
  const mounts = await readFile('/proc/self/mountinfo', 'utf8');
  child.kill(signal);
  return { code: await ended, said, mounts };
}

// GVA_LONG: another minute or two for what is the same after SIGKILL, but for the words.
it.runIf(process.env['GVA_LONG'])(
  'an interrupted build leaves nothing: no base, no folder, no mount',
  async () => {
    await using folder = await temporaryFolder();
    const place = { XDG_DATA_HOME: folder.path, GVA_SCRATCH: folder.path };
    const { code, said, mounts } = await buildUntilInstalling(place, 'SIGINT');
    expect(code, said).toBe(130);
    expect(said).toMatch(/error: interrupted\n$/);
    // The root that is made has /proc by then, in a namespace that is not ours.
    expect(mounts).not.toContain(folder.path);
    expect(await readFile('/proc/self/mountinfo', 'utf8')).not.toContain(folder.path);
    expect(await readdir(join(folder.path, 'gva/bases'))).toEqual([]);
    expect(await readdir(folder.path)).toEqual(['gva']);
  },
);

it('a killed build leaves no process, and what it left on the disk goes with the next one', async () => {
  await using folder = await temporaryFolder();
  const place = { XDG_DATA_HOME: folder.path, GVA_SCRATCH: folder.path };
  const { code, said } = await buildUntilInstalling(place, 'SIGKILL');
  expect(code, said).toBeNull();
  await noneLeft(folder.path);
  expect((await readdir(folder.path)).filter((name) => name.startsWith('.gva-mmdebstrap.'))).toHaveLength(1);
  // One that fails before mmdebstrap begins.
  const next = ['base', 'build', 'debian', '--name', 'x', '--packages', 'no-such-package'];
  expect((await gva(next, place)).code).toBe(2);
  expect(await readdir(join(folder.path, 'gva/bases'))).toEqual([]);
  expect(await readdir(folder.path)).toEqual(['gva']);
});

it('an unknown package is named', async () => {
  await using folder = await temporaryFolder();
  const args = ['base', 'build', 'debian', '--packages', 'python3,no-such-package'];
  const { code, stderr } = await gva(args, { XDG_DATA_HOME: folder.path });
  expect({ code, stderr }).toMatchObject({ code: 2 });
  expect(stderr).toContain('error: apt knows no package no-such-package\n');
  expect(await readdir(join(folder.path, 'gva/bases'))).toEqual([]);
});
