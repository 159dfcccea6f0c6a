import { execFileSync } from 'node:child_process';
import { chmod, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findProgram } from '../../src/system/process.js';
import { leaveBeside } from '../support/left-over.js';
import { gva, gvaProgram, temporaryFolder, writeAppliance } from '../support/gva.js';

// Wrong input is found before anything is started: one clear error with a hint, and nothing is left behind.

const job = {
  yaml: 'parameters:\n  n: { type: int }\n  mode: { type: string, values: [a, b], default: a }\n',
  job: 'true',
};

async function refused(args: (folder: string) => string[], prepare?: (folder: string) => Promise<unknown>) {
  await using folder = await temporaryFolder();
  await writeAppliance(join(folder.path, 'a'), job);
  await prepare?.(folder.path);
  const before = await readdir(folder.path);
  const env = { XDG_DATA_HOME: join(folder.path, 'data'), XDG_CACHE_HOME: join(folder.path, 'cache') };
  const { code, stdout, stderr } = await gva(args(folder.path), env, folder.path);
  const left = (await readdir(folder.path)).filter((name) => !before.includes(name) && name !== 'cache');
  return { code, stdout, stderr: stderr.replaceAll(folder.path, 'DIR'), left };
}

const clean = { stdout: '', left: [] };

describe('gva run refuses', () => {
  it('unknown, missing, badly typed and disallowed parameters, all at once', async () => {
    const said = await refused(() => ['run', 'a', '--param', 'm=1', '-p', 'mode=c']);
    expect(said).toMatchObject({ code: 2, ...clean });
    expect(said.stderr).toBe(
      [
        'error: test has no parameter "m"',
        'parameter n has no default and was not given',
        'parameter mode must be one of a, b',
        'hint: Its parameters: n (int), mode (string, default a)\n',
      ].join('\n'),
    );
    const typed = await refused(() => ['run', 'a', '--param', 'n=seven']);
    expect(typed).toMatchObject({ code: 2, ...clean });
    expect(typed.stderr).toContain('parameter n must be an integer, not "seven"');
  });

  it('words that are no parameters or no files', async () => {
    expect((await refused(() => ['run', 'a', '-p', 'n'])).stderr).toContain('not of the form NAME=VALUE');
    expect((await refused(() => ['run', 'a', '-p', 'n=1', '-p', 'n=2'])).stderr).toContain('given twice');
    expect((await refused(() => ['run', 'a', '-p', 'n=1', '-f', 'missing'])).stderr).toContain(
      'cannot read the file missing',
    );
    expect((await refused(() => ['run', 'a', '-p', 'n=1', '-f', 'a'])).stderr).toContain('a is not a file');
    const reserved = await refused(() => ['run', 'a', '-p', 'n=1', '-f', 'a/gva.yaml=param']);
    expect(reserved.stderr).toContain('one that GVA uses');
    expect((await refused(() => ['run', 'a', '-p', 'n=1', '-f', 'a/gva.yaml=../x'])).stderr).toContain(
      'relative path',
    );
  });

  it('a missing folder, and a folder that is no appliance', async () => {
    const missing = await refused(() => ['run', 'nowhere']);
    expect(missing).toMatchObject({ code: 2, ...clean });
    expect(missing.stderr).toBe(
      'error: there is no appliance folder nowhere\nhint: Make one that works: gva init nowhere\n',
    );
    expect((await refused(() => ['run', '.'])).stderr).toContain('it has no gva.yaml');
  });

  it('a program that is not executable', async () => {
    const said = await refused(
      () => ['run', 'a', '-p', 'n=1'],
      async (folder) => {
        await chmod(join(folder, 'a/app/job.sh'), 0o644);
        await writeBase(folder);
      },
    );
    expect(said).toMatchObject({ code: 2, ...clean });
    expect(said.stderr).toContain('app/job.sh is not executable\nhint: chmod +x');
  });

  it('an output folder that has results or something else in it', async () => {
    const results = await refused(
      () => ['run', 'a', '-p', 'n=1', '--out', 'out', '--vmm', 'uml'],
      async (folder) => {
        await writeBase(folder);
        await mkdir(join(folder, 'out'));
        await writeFile(join(folder, 'out/result.json'), '{}');
      },
    );
    expect(results).toMatchObject({ code: 2, ...clean });
    expect(results.stderr).toContain(
      'the output folder out has results in it\nhint: Name another folder, or replace them: --force',
    );
    const foreign = await refused(
      () => ['run', 'a', '-p', 'n=1', '--out', 'a', '--force', '--vmm', 'uml'],
      (folder) => writeBase(folder),
    );
    expect(foreign).toMatchObject({ code: 2, ...clean });
    expect(foreign.stderr).toContain("what is in it is not GVA's");
  });

  it('an output folder that cannot be written to', async () => {
    const said = await refused(
      () => ['run', 'a', '-p', 'n=1', '--out', 'file/out', '--vmm', 'uml'],
      async (folder) => {
        await writeBase(folder);
        await writeFile(join(folder, 'file'), '');
      },
    );
    expect(said).toMatchObject({ code: 2, ...clean });
    expect(said.stderr).toContain('cannot write to the output folder file/out');
  });

  it('a base image that is not there, or is damaged', async () => {
    const missing = await refused(() => ['run', 'a', '-p', 'n=1']);
    expect(missing).toMatchObject({ code: 69, ...clean });
    expect(missing.stderr).toContain(
      'no base image "micro" on this machine\nhint: Build it: gva base build micro',
    );
    const damaged = await refused(
      () => ['run', 'a', '-p', 'n=1'],
      (folder) => writeBase(folder, { rootSize: 3 }),
    );
    expect(damaged).toMatchObject({ code: 69, ...clean });
    expect(damaged.stderr).toContain('root.img is missing or has another size\nhint: Build it again');
  });

  it('to run where no VMM is installed, or not the one asked for', async () => {
    const run = async (vmm: string) => {
      await using folder = await temporaryFolder();
      await writeAppliance(join(folder.path, 'a'), job);
      await writeBase(folder.path);
      const env = {
        XDG_DATA_HOME: join(folder.path, 'data'),
        XDG_CACHE_HOME: join(folder.path, 'cache'),
        GVA_UML_KERNEL: join(folder.path, 'no-kernel'),
        PATH: await pathWith(folder.path, 'mke2fs'),
      };
      return await gva(['run', 'a', '-p', 'n=1', '--vmm', vmm], env, folder.path);
    };
    const none = await run('auto');
    expect(none.code, none.stderr).toBe(69);
    expect(none.stderr).toMatch(
      /no virtual machine monitor can run this:\n.*qemu-system-x86_64 is not installed\n.*no-kernel is not installed\nhint: Install it: apt-get install/,
    );
    expect((await run('qemu')).stderr).toContain('qemu cannot be used: qemu-system-x86_64 is not installed');
  });

  it('more CPUs than the VMM can give', async () => {
    const said = await refused(
      () => ['run', 'a', '-p', 'n=1', '--vmm', 'uml'],
      async (folder) => {
        await writeBase(folder);
        await writeFile(
          join(folder, 'a/gva.yaml'),
          'name: a\nrun: ./job.sh\nparameters: { n: { type: int } }\nhardware: { cpus: 2 }\n',
        );
      },
    );
    expect(said).toMatchObject({ code: 2, ...clean });
    expect(said.stderr).toContain('uml gives a guest at most 1 CPU, not 2\nhint: Use --vmm qemu');
  });

  it('wrong usage, with exit status 2', async () => {
    expect(await refused(() => ['run'])).toMatchObject({ code: 2, ...clean });
    expect(await refused(() => ['run', 'a', '--vmm', 'bochs'])).toMatchObject({ code: 2, ...clean });
    expect(await refused(() => ['run', 'a', '-p', 'n=1', '--timeout', 'soon'])).toMatchObject({
      code: 2,
      ...clean,
    });
    expect(await refused(() => ['fly'])).toMatchObject({ code: 2, ...clean });
  });

  it('and says so as JSON where JSON is asked for', async () => {
    const { code, stdout } = await refused(() => ['run', 'nowhere', '--json']);
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'APPLIANCE_MISSING' } });
  });
});

describe('gva init', () => {
  it('makes a folder once, and leaves what is there alone', async () => {
    await using folder = await temporaryFolder();
    leaveBeside(join(folder.path, 'x y'));
    expect(await gva(['init', 'x y'], {}, folder.path)).toMatchObject({ code: 0 });
    expect(await readdir(folder.path)).toEqual(['x y']);
    expect(await readdir(join(folder.path, 'x y'))).toEqual(['app', 'gva.yaml', 'plan.yaml']);
    const again = await gva(['init', 'x y'], {}, folder.path);
    expect(again).toMatchObject({ code: 2 });
    expect(again.stderr).toContain('exists and is not empty');
  });
});

/** A base of empty files: good for everything up to the start of a machine. */
async function writeBase(folder: string, { rootSize = 0 } = {}): Promise<void> {
  const base = join(folder, 'data/gva/bases/micro/d1');
  await mkdir(base, { recursive: true });
  const files = Object.fromEntries(
    ['root', 'kernel', 'initrd'].map((name) => [
      name,
      { name: `${name}.img`, size: 0, sha256: '0'.repeat(64) },
    ]),
  );
  for (const { name } of Object.values(files)) await writeFile(join(base, name), '');
  if (files['root']) files['root'].size = rootSize;
  const manifest = {
    format: 1,
    contract: 1,
    ...{ name: 'micro', os: 'linux', arch: 'x86_64', packages: {} },
    umlRelease: await umlRelease(),
    digest: 'd1'.padEnd(64, '0'),
    files,
  };
  await writeFile(join(base, 'base.json'), JSON.stringify(manifest));
  await symlink('d1', join(dirname(base), 'current'));
}

async function umlRelease(): Promise<string | undefined> {
  const uml = await import('../../src/base/uml-host.js');
  return uml.umlRelease();
}

/** A PATH on which only these programs are. */
async function pathWith(folder: string, ...names: string[]): Promise<string> {
  const bin = join(folder, 'bin');
  await mkdir(bin);
  for (const name of names) await symlink((await findProgram(name)) ?? name, join(bin, name));
  return bin;
}

it('a reader that goes away does not end a command', () => {
  // The second shell waits until the reader, true, is gone.
  const script = '{ { sleep 0.3; "$0" run --help 2>&2; echo "status $?" >&2; } | true; } 2>&1';
  const said = execFileSync('sh', ['-c', script, gvaProgram], { encoding: 'utf8' });
  expect(said).toBe('status 0\n');
});

it('what the host refuses is told without a stack', async () => {
  await using folder = await temporaryFolder();
  await gva(['init', 'a'], {}, folder.path);
  const { code, stderr } = await gva(['env', 'a', '--out', '/proc/no/such.iso'], {}, folder.path);
  expect(code).toBe(69);
  expect(stderr).toMatch(/^error: the host refuses a file: ENOENT.*\/proc\/no\/such\.iso'\n$/);
});
