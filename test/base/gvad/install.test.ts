import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, readdir, readlink, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { installerDisc } from '../../../src/base/gvad/disc.js';
import { oneFileInstaller } from '../../../src/base/gvad/files.js';
import { writeGvadPackage } from '../../../src/base/gvad/deb.js';
import { openIso } from '../../../src/disk/iso9660/index.js';
import { lookUp } from '../../../src/disk/lookup.js';
import { guestFile } from '../../../src/system/package.js';
import { MemorySource } from '../../disk/ext4-fixture.js';
import { temporaryFolder } from '../../support/gva.js';
import { requireTool } from '../../support/tools.js';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let root: string;
beforeEach(async () => {
  folder = await temporaryFolder();
  root = join(folder.path, 'root');
  await mkdir(root);
});
afterEach(() => folder[Symbol.asyncDispose]());

const inRoot = (path: string) => readFile(join(root, path), 'utf8');

/** Makes files of a system that tell which init it has; commands are executable. */
async function system(...paths: string[]): Promise<void> {
  const commands = ['mount', 'umount', 'awk', 'dd', 'df', 'mktemp', 'blkid'].map((name) => `usr/bin/${name}`);
  for (const path of [...commands, ...paths]) {
    await mkdir(join(root, path, '..'), { recursive: true });
    await writeFile(join(root, path), '');
    await chmod(join(root, path), 0o755);
  }
}

async function install(...args: string[]): Promise<string> {
  const script = join(folder.path, 'install.sh');
  await writeFile(script, await oneFileInstaller());
  return execFileSync('sh', [script, '--root', root, ...args], { encoding: 'utf8', stdio: 'pipe' });
}

/** Files and links below the root, but those of the system itself. */
async function installed(): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .filter(
      (path) => !/^(usr\/bin|lib\/systemd\/systemd$|sbin\/openrc-run|etc\/rc\.subr|etc\/inittab)/.test(path),
    )
    .sort();
}

const programs = ['usr/sbin/gvad', 'usr/sbin/gvad-ovf-env'];

describe.each<[init: string, marks: string[], files: string[]]>([
  [
    'systemd',
    ['lib/systemd/systemd'],
    [
      'etc/systemd/system/gvad.service',
      'etc/systemd/system/multi-user.target.wants/gvad.service',
      'etc/systemd/system/serial-getty@ttyS0.service',
    ],
  ],
  ['openrc', ['sbin/openrc-run'], ['etc/init.d/gvad', 'etc/runlevels/default/gvad']],
  [
    'sysvinit',
    ['etc/init.d/README'],
    ['etc/init.d/README', 'etc/init.d/gvad', ...[2, 3, 4, 5].map((level) => `etc/rc${level}.d/S99gvad`)],
  ],
  ['bsd', ['etc/rc.subr'], ['etc/rc.conf.d/gvad', 'etc/rc.d/gvad']],
])('install.sh by %s', (init, marks, files) => {
  it('installs the same once and twice, and takes it all away', async () => {
    await system(...marks);
    const before = await installed();
    expect(await install()).toContain(`install.sh: GVAD starts at the next boot, by ${init}\n`);
    expect(await installed()).toEqual([...files, ...programs].sort());
    expect(await inRoot('usr/sbin/gvad')).toBe(await readFile(guestFile('gvad'), 'utf8'));
    expect(await install()).toBe(`install.sh: GVAD is there already, by ${init}: nothing to do\n`);
    await chmod(join(root, 'usr/sbin/gvad'), 0o600);
    expect(await install()).toContain('wrote /usr/sbin/gvad\n');
    expect(await install('--uninstall')).toContain('GVAD is gone\n');
    expect(await installed()).toEqual(before);
    expect(await install('--uninstall')).toBe('install.sh: GVAD was not there\n');
  });
});

describe('install.sh', () => {
  it('frees the line of the events from a login, and gives it back', async () => {
    await system('sbin/openrc-run', 'etc/inittab');
    const inittab = '::sysinit:/sbin/openrc sysinit\nttyS0::respawn:/sbin/getty -L 0 ttyS0 vt100\n# ttyS0\n';
    await writeFile(join(root, 'etc/inittab'), inittab);
    await install();
    expect(await inRoot('etc/inittab')).toBe(inittab.replace('\nttyS0', '\n#gvad# ttyS0'));
    await install('--uninstall');
    expect(await inRoot('etc/inittab')).toBe(inittab);
  });

  it('keeps a login of systemd that somebody set up on that line', async () => {
    await system('usr/lib/systemd/systemd');
    const unit = 'etc/systemd/system/serial-getty@ttyS0.service';
    await mkdir(join(root, unit, '..'), { recursive: true });
    await symlink('/etc/own.service', join(root, unit));
    await install();
    await install('--uninstall');
    expect(await readlink(join(root, unit))).toBe('/etc/own.service');
  });

  it('says what it cannot do', async () => {
    const said = (...args: string[]) =>
      install(...args).catch((error: unknown) => (error as { stderr: string }).stderr);
    expect(await said()).toMatch(
      /neither systemd, OpenRC, sysvinit nor BSD's rc\.d is in .*: name it by --init/,
    );
    expect(await said('--init', 'launchd')).toMatch(/^usage: /);
    expect(await installed()).toEqual([]);
  });

  it('warns of commands that GVAD would miss', async () => {
    await mkdir(join(root, 'etc/init.d'), { recursive: true });
    const script = join(folder.path, 'install.sh');
    await writeFile(script, await oneFileInstaller());
    const said = execFileSync('sh', ['-c', `sh ${script} --root ${root} 2>&1`], { encoding: 'utf8' });
    expect(said).toContain('warning: GVAD needs the command awk, which is not here');
    expect(said).toContain('warning: GVAD finds disks by findfs or blkid, and neither is here');
  });

  it('as one file is as sound as its parts', async () => {
    const script = join(folder.path, 'install.sh');
    await writeFile(script, await oneFileInstaller());
    execFileSync(requireTool('shellcheck'), [script]);
  });
});

describe('the CD', () => {
  it('has the installer, and what cloud-init looks for where it is to run by itself', async () => {
    const read = async (disc: Uint8Array) => {
      const volume = await openIso(new MemorySource(Buffer.from(disc)));
      const found: string[] = [];
      for (const name of ['install.sh', 'adopt', 'meta-data', 'user-data'])
        if (await lookUp(volume, name, () => undefined)) found.push(name);
      return [volume.label, ...found];
    };
    expect(await read(await installerDisc())).toEqual(['GVAD', 'install.sh']);
    expect(await read(await installerDisc(true))).toEqual([
      ...['cidata', 'install.sh', 'adopt', 'meta-data', 'user-data'],
    ]);
  });
});

describe('the Debian package', () => {
  it('has the same bytes every time', async () => {
    const files = ['a.deb', 'b.deb'].map((name) => join(folder.path, name));
    for (const file of files) await writeGvadPackage(file);
    const [a, b] = await Promise.all(files.map((file) => readFile(file)));
    expect(a?.equals(b ?? Buffer.alloc(0))).toBe(true);
  });

  it("has what dpkg-deb shows: its name and needs, the daemon and its services, all of it root's", async () => {
    const file = join(folder.path, 'gvad.deb');
    await writeGvadPackage(file);
    const deb = (...args: string[]) =>
      execFileSync(requireTool('dpkg-deb'), [...args, file], { encoding: 'utf8' });
    expect(deb('--info')).toMatch(
      / Package: gvad\n Version: \d.*\n Architecture: all\n[^]* Depends: mount\n/,
    );
    const entries = deb('--contents').trimEnd().split('\n');
    expect(entries.filter((line) => !/^(?:drwxr-xr-x|-rw[x-]r-[x-]r-[x-]) root\/root /.test(line))).toEqual(
      [],
    );
    const executable = entries.filter((line) => line.startsWith('-rwx')).map((line) => line.split(/\s+/)[5]);
    expect(executable).toEqual(['./etc/init.d/gvad', './usr/sbin/gvad', './usr/sbin/gvad-ovf-env']);
    expect(entries.map((line) => line.split(/\s+/)[5])).toContain('./lib/systemd/system/gvad.service');
  });

  it('is installed and removed by dpkg', async () => {
    const file = join(folder.path, 'gvad.deb');
    await writeGvadPackage(file);
    const status =
      'Package: mount\nStatus: install ok installed\nVersion: 1\nArchitecture: all\nMaintainer: x\nDescription: x\n';
    for (const path of ['var/lib/dpkg/updates', 'var/lib/dpkg/info', 'etc/rc2.d', 'etc/rc3.d'])
      await mkdir(join(root, path), { recursive: true });
    await writeFile(join(root, 'var/lib/dpkg/status'), status);
    const log = join(folder.path, 'dpkg.log');
    const dpkg = (...args: string[]) =>
      execFileSync(
        requireTool('dpkg'),
        [`--root=${root}`, '--force-script-chrootless', '--force-not-root', `--log=${log}`, ...args],
        { encoding: 'utf8', stdio: 'pipe' },
      );
    dpkg('-i', file);
    const links = {
      'etc/systemd/system/multi-user.target.wants/gvad.service': '/lib/systemd/system/gvad.service',
      'etc/systemd/system/serial-getty@ttyS0.service': '/dev/null',
      'etc/rc3.d/S99gvad': '../init.d/gvad',
    };
    for (const [path, target] of Object.entries(links)) expect(await readlink(join(root, path))).toBe(target);
    expect(await inRoot('usr/sbin/gvad')).toBe(await readFile(guestFile('gvad'), 'utf8'));
    dpkg('--purge', 'gvad');
    for (const path of [...Object.keys(links), ...programs, 'etc/init.d/gvad'])
      expect(existsSync(join(root, path)), path).toBe(false);
  });
});
