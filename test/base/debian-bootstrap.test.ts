import { chmod, mkdir, readFile, readdir, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { bootstrap } from '../../src/base/debian/bootstrap.js';
import { debianOptions } from '../../src/base/debian/options.js';
import { GvaError } from '../../src/system/errors.js';
import { eventually, temporaryFolder } from '../support/gva.js';

// How mmdebstrap is called and what is made of its answers: a script stands for it, and for apt.

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeEach(async () => {
  folder = await temporaryFolder();
  const bin = join(folder.path, 'bin');
  await mkdir(bin);
  await mkdir(join(folder.path, 'work'));
  await writeFile(join(folder.path, 'x.list'), 'deb http://a.invalid/d bookworm main\n');
  await program('apt-config', 'echo');
  await program(
    'apt-get',
    `case $* in *indextargets*) echo '${folder.path}/x.list:1|bookworm||amd64' ;; *nonesuch*) echo 'E: Unable to locate package nonesuch' >&2; exit 100 ;; esac`,
  );
  vi.stubEnv('PATH', `${bin}:${process.env['PATH'] ?? ''}`);
  vi.stubEnv('GVA_SCRATCH', folder.path);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await folder[Symbol.asyncDispose]();
});

async function program(name: string, script: string): Promise<void> {
  const file = join(folder.path, 'bin', name);
  await writeFile(file, `#!/bin/sh\n${script}\n`);
  await chmod(file, 0o755);
}

const make = (packages: string[] = [], signal?: AbortSignal, said: string[] = []) =>
  bootstrap(
    debianOptions('debian', { packages }),
    join(folder.path, 'work'),
    (step) => said.push(step),
    signal,
  );

it('gives the archive, and says what mmdebstrap says that it does', async () => {
  await program(
    'mmdebstrap',
    'echo "I: extracting archives..." >&2; echo "I: using /tmp/x as tempdir" >&2; echo "W: x" >&2',
  );
  const said: string[] = [];
  expect(await make(['python3'], undefined, said)).toBe(join(folder.path, 'work/root.tar'));
  expect(said).toEqual(['extracting archives']);
});

it('mounts nothing where the host would see it', async () => {
  await program(
    'mmdebstrap',
    `readlink /proc/self/ns/mnt >${folder.path}/namespace; echo "$*" >${folder.path}/words`,
  );
  await make();
  const words = await readFile(join(folder.path, 'words'), 'utf8');
  const own = await readFile(join(folder.path, 'namespace'), 'utf8');
  const here = await readlink('/proc/self/ns/mnt');
  // mmdebstrap itself makes namespaces for an ordinary user.
  if (process.getuid?.() === 0)
    expect(own.trim() !== here || words.startsWith('--skip=chroot/mount ')).toBe(true);
  else expect(words).not.toContain('--mode=root');
});

it.each([
  [
    'a package of no other suite',
    "E: Package 'x' has no installation candidate",
    'PACKAGE_UNKNOWN',
    /apt knows no package x in bookworm/,
  ],
  [
    'no room',
    'dpkg: error: cannot write: No space left on device',
    'HOST_FULL',
    /there is no room to install Debian bookworm/,
  ],
  ['anything else', 'E: something broke', 'BOOTSTRAP_FAILED', /bookworm:\nE: something broke$/],
])('tells %s', async (_name, says, code, message) => {
  await program('mmdebstrap', `echo noise >&2; echo "${says}" >&2; exit 25`);
  const error: unknown = await make().catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(GvaError);
  expect(error).toMatchObject({ code, message: expect.stringMatching(message) as string });
});

it('names an unknown package before anything is made', async () => {
  await program('mmdebstrap', `touch ${folder.path}/called`);
  await expect(make(['nonesuch'])).rejects.toMatchObject({
    code: 'PACKAGE_UNKNOWN',
    message: 'apt knows no package nonesuch',
  });
  await program('apt-cache', 'printf "%s\\n" nonsense nonesuch2');
  await expect(make(['nonesuch'])).rejects.toMatchObject({
    hint: expect.stringMatching(/^Did you mean nonesuch2\? /) as string,
  });
  expect(await readdir(folder.path)).not.toContain('called');
});

it('interrupted, ends all that mmdebstrap started, and waits until it has cleaned up', async () => {
  await program(
    'mmdebstrap',
    `trap 'sleep 0.3; touch ${folder.path}/cleaned; exit 1' TERM; sleep 1000 & echo $! >${folder.path}/child; touch ${folder.path}/running; wait`,
  );
  const controller = new AbortController();
  const made = make([], controller.signal);
  const failed = expect(made).rejects.toThrow('enough');
  await eventually(async () => (await readdir(folder.path)).includes('running'));
  controller.abort(new Error('enough'));
  await failed;
  expect(await readdir(folder.path)).toContain('cleaned');
  const child = Number(await readFile(join(folder.path, 'child'), 'utf8'));
  await eventually(() => {
    try {
      process.kill(child, 0);
      return false;
    } catch {
      return true;
    }
  });
});
