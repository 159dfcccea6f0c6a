import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadDirectBase } from '../../src/base/store.js';
import { descriptor } from '../ovf/foreign-fixture.js';
import { buildLimit, debianBase } from '../support/debian-base.js';
import { foreignDebianDisk } from '../support/foreign-disk.js';
import { gva, readResult, temporaryFolder, writeAppliance } from '../support/gva.js';
import { requireTool } from '../support/tools.js';

const digestOf = async (file: string) =>
  createHash('sha256')
    .update(await readFile(file))
    .digest('hex');

it(
  'a disk of Debian that knows nothing of GVA gets GVAD over its serial login, and is a base',
  { timeout: buildLimit },
  async () => {
    await using folder = await temporaryFolder();
    const disk = foreignDebianDisk(await debianBase('systemd'), folder.path);
    const before = await digestOf(disk);
    const added = await gva(['base', 'add', disk, '--name', 'test-adopted', '--install-gvad', '--json']);
    expect(added.code, added.stderr).toBe(0);
    expect(JSON.parse(added.stdout)).toMatchObject({
      ...{ name: 'test-adopted', arch: 'x86_64', contract: 1 },
      origin: { kind: 'adopted', file: 'foreign.qcow2', digest: before },
      files: { disk: { firmware: 'bios', hardware: {} } },
    });
    expect(await digestOf(disk)).toBe(before);
    const appliance = await writeAppliance(join(folder.path, 'a'), {
      yaml: 'base: test-adopted\nparameters: { n: { type: int } }\n',
      job: 'echo "$1 $(cat /proc/1/comm) $(systemctl is-enabled serial-getty@ttyS0.service)" >said',
    });
    const out = join(folder.path, 'out');
    const { code, stderr } = await gva(['run', appliance, '-p', 'n=5', '--out', out]);
    expect(code, stderr).toBe(0);
    expect(await readResult(out)).toMatchObject({ state: 'done', vmm: { name: 'qemu' }, start: 'cold' });
    expect(await readFile(join(out, 'output/said'), 'utf8')).toBe('5 systemd masked\n');
  },
);

// GVA_LONG: another Debian is made, and cloud-init takes its time under emulation.
it.runIf(process.env['GVA_LONG'])(
  'a disk of Debian with cloud-init and no login gets GVAD by that, and is a base',
  { timeout: buildLimit },
  async () => {
    await using folder = await temporaryFolder();
    const packages = ['--profile', 'systemd', '--packages', 'cloud-init', '--name', 'test-cloud'];
    const built = await gva(['base', 'build', 'debian:bookworm', ...packages], {}, undefined, 600);
    expect(built.code, built.stderr).toBe(0);
    const disk = foreignDebianDisk(await loadDirectBase('test-cloud'), folder.path, false);
    const env = { XDG_DATA_HOME: folder.path };
    const adding = ['base', 'add', disk, '--name', 'cloud', '--install-gvad', '--install-timeout', '10m'];
    const added = await gva(adding, env, undefined, 800);
    expect(added.code, added.stderr).toBe(0);
    const appliance = await writeAppliance(join(folder.path, 'a'), {
      yaml: 'base: cloud\n',
      job: 'ls /etc/cloud/cloud-init.disabled',
    });
    const ran = await gva(['run', appliance, '--out', join(folder.path, 'out')], env);
    expect(ran.code, ran.stderr).toBe(0);
  },
);

describe('a disk that has GVAD', () => {
  it('is a base when it was tried, and what only boots by firmware is told of', async () => {
    await using folder = await temporaryFolder();
    const env = { XDG_DATA_HOME: folder.path };
    const disk = await microDisk(folder.path, 'vdi');
    const added = await gva(['base', 'add', disk, '--name', 'other'], env);
    expect(added.code, added.stderr).toBe(0);
    const appliance = await writeAppliance(join(folder.path, 'a'), { yaml: 'base: other\n', job: 'true' });
    const refusal = async (...args: string[]) => (await gva(args, env)).stderr;
    expect(await refusal('run', appliance, '--vmm', 'uml')).toContain(
      'uml cannot start a guest by firmware boot',
    );
    expect(await refusal('run', appliance, '--start', 'warm')).toContain(
      'the base image other only boots by firmware',
    );
    expect(await refusal('pack', appliance, '--out', join(folder.path, 'a.ova'))).toContain(
      'the base image other was adopted: it is not put into packages',
    );
  });
});

/** The disk of micro, as another program writes it. @returns its path */
async function microDisk(folder: string, ending: string, ...options: string[]): Promise<string> {
  const micro = await loadDirectBase('micro');
  const from = join(micro.folder, micro.files.disk?.name ?? '');
  const disk = join(folder, `disk.${ending}`);
  const format = ending === 'raw' ? ['raw'] : [ending, ...options];
  execFileSync(requireTool('qemu-img'), ['convert', '-f', 'raw', '-O', ...format, from, disk]);
  return disk;
}

const streamed = ['-o', 'subformat=streamOptimized'];

/** A package as somebody else would make it: a descriptor and a disk. */
async function foreignPackage(folder: string): Promise<string> {
  const { size } = await stat(await microDisk(folder, 'vmdk', ...streamed));
  const references = `<File ovf:id="file1" ovf:href="disk.vmdk" ovf:size="${size}"/>`;
  const capacity = (await loadDirectBase('micro')).files.disk?.size ?? 0;
  const disks = `<Disk ovf:diskId="disk1" ovf:fileRef="file1" ovf:capacity="${capacity}"/>`;
  await writeFile(join(folder, 'machine.ovf'), descriptor({ references, disks }));
  const ova = join(folder, 'machine.ova');
  execFileSync('tar', ['--format=ustar', '-C', folder, '-cf', ova, 'machine.ovf', 'disk.vmdk']);
  return ova;
}

const formats: [string, (folder: string) => Promise<string>][] = [
  ['an OVA', foreignPackage],
  // The others are copied by the same readers, whose tests boot nothing.
  ...(process.env['GVA_LONG'] === undefined
    ? []
    : ([
        ['raw', (folder) => microDisk(folder, 'raw')],
        ['VMDK', (folder) => microDisk(folder, 'vmdk')],
        ['streamed VMDK', (folder) => microDisk(folder, 'vmdk', ...streamed)],
        ['qcow2', (folder) => microDisk(folder, 'qcow2')],
        ['compressed qcow2', (folder) => microDisk(folder, 'qcow2', '-c')],
      ] satisfies typeof formats)),
];

it.each(formats)('a disk of %s that has GVAD becomes a base with its very bytes', async (_format, make) => {
  await using folder = await temporaryFolder();
  const env = { XDG_DATA_HOME: folder.path };
  const { code, stderr } = await gva(['base', 'add', await make(folder.path), '--name', 'other'], env);
  expect(code, stderr).toBe(0);
  const adopted = await digestOf(join(folder.path, 'gva/bases/other/current/disk.img'));
  expect(adopted).toBe((await loadDirectBase('micro')).files.disk?.sha256);
});

describe('a disk that cannot be a base', () => {
  it('because nothing of GVA starts on it: what to do is said, and nothing is left', async () => {
    await using folder = await temporaryFolder();
    const disk = join(folder.path, 'disk.raw');
    // A boot sector that halts: it boots, and says nothing.
    const bytes = Buffer.alloc(1 << 20);
    bytes.set([0xfa, 0xf4, 0xeb, 0xfd]);
    bytes.writeUInt16LE(0xaa55, 510);
    await writeFile(disk, bytes);
    const env = { XDG_DATA_HOME: join(folder.path, 'data') };
    const tried = await gva(['base', 'add', disk, '--name', 'x', '--boot-timeout', '5s'], env);
    expect(tried.code).toBe(69);
    expect(tried.stderr).toMatch(/x does not keep the guest contract: the guest did not start GVAD within/);
    expect(tried.stderr).toMatch(/--install-gvad.*gva gvad --cd/s);
    const installing = ['base', 'add', disk, '--name', 'x', '--install-gvad', '--install-timeout', '5s'];
    const installed = await gva(installing, env);
    expect(installed.code).toBe(69);
    expect(installed.stderr).toMatch(
      /GVAD could not be installed within .*neither cloud-init nor a login on the first serial port/,
    );
    expect(await readdir(join(folder.path, 'data/gva/bases'))).toEqual([]);
  });
});
