import { execFileSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bootstrap } from '../../src/base/debian/bootstrap.js';
import { debianOptions } from '../../src/base/debian/options.js';
import { loadDirectBase } from '../../src/base/store.js';
import { buildLimit } from '../support/debian-base.js';
import { gva, readResult, temporaryFolder, writeAppliance } from '../support/gva.js';
import { ociBase, programImage } from '../support/oci-base.js';
import { writeLayout } from '../support/oci-layout.js';
import { requireTool } from '../support/tools.js';

// Bases of container images; that they keep the guest contract is in guest-contract.test.ts.

async function runOn(base: string, vmm: string, job: string): Promise<{ said: string; result: string }> {
  await using folder = await temporaryFolder();
  const appliance = await writeAppliance(join(folder.path, 'a'), { yaml: `base: ${base}\n`, job });
  const out = join(folder.path, 'out');
  const { code, stderr } = await gva(['run', appliance, '--vmm', vmm, '--out', out]);
  const said = await readFile(join(out, 'output/.gva/50-autorun.stdout'), 'utf8');
  expect(code, `${stderr}${said}`).toBe(0);
  expect((await readResult(out)).state).toBe('done');
  return { said, result: await readFile(join(out, 'output/result'), 'utf8').catch(() => '') };
}

describe('a base of a container image that has one program and nothing else', () => {
  it.each(['qemu', 'uml'])('runs it as the image says, under %s', async (vmm) => {
    const { name } = await ociBase();
    const { said, result } = await runOn(
      name,
      vmm,
      '/etc/gva/run; echo "status $?"; /etc/gva/run one "two words"; echo "$GREETING $(id -u) $PWD"; ls -A /srv/job',
    );
    expect(said.split('\n')).toEqual([
      ...["1000:1001 /srv/job it's a container", '<by>', '<itself>', 'status 0'],
      ...["1000:1001 /srv/job it's a container", '<one>', '<two words>'],
      ...["it's a container 0 /output", ''],
    ]);
    expect(result).toBe('one two words\n');
  });

  it('runs it in an appliance that says nothing else, with the parameters that there are', async () => {
    await using folder = await temporaryFolder();
    const { name } = await ociBase();
    const appliance = join(folder.path, 'a');
    await mkdir(join(appliance, 'app'), { recursive: true });
    const said = async (yaml: string, ...args: string[]) => {
      await writeFile(join(appliance, 'gva.yaml'), `name: test\nbase: ${name}\n${yaml}`);
      const out = join(folder.path, `out-${args.length}`);
      const { code, stderr } = await gva(['run', appliance, '--vmm', 'uml', '--out', out, ...args]);
      expect(code, stderr).toBe(0);
      return readFile(join(out, 'output/.gva/50-autorun.stdout'), 'utf8');
    };
    expect(await said('')).toMatch(/\n<by>\n<itself>\n$/);
    const parameters = 'parameters: { n: { type: int }, m: { type: int } }\n';
    expect(await said(parameters, '-p', 'n=3', '-p', 'm=4')).toMatch(/\n<3>\n<4>\n$/);
  });

  it('is a sound file system with the owners and modes of the image', async () => {
    const base = await ociBase();
    const root = join(base.folder, base.files.root.name);
    execFileSync(requireTool('e2fsck'), ['-fn', root]);
    expect(base).toMatchObject({
      origin: { kind: 'oci', image: 'program', digest: expect.stringMatching(/^sha256:/) as string },
      defaults: { user: '1000:1001', entrypoint: ['greet', 'to'], workingFolder: '/srv/job' },
    });
    expect(base.files.disk).toBeDefined();
  });
});

// GVA_LONG: two more bases are made.
it.runIf(process.env['GVA_LONG'])('a recipe begins with a container image', async () => {
  await using folder = await temporaryFolder();
  await ociBase();
  await programImage(join(folder.path, 'images/program'));
  await writeFile(
    join(folder.path, 'base.yaml'),
    'name: test-on-image\nfrom: oci:images/program:v1\nsteps:\n  - env: { MORE: two }\n  - run: echo $MORE >/opt/more; id -u >>/opt/more\n',
  );
  const explained = await gva(['base', 'build', folder.path, '--explain']);
  expect(explained.stdout).toMatch(/^from oci:images\/program:v1 \([0-9a-f]{16}\)\n/);
  const built = await gva(['base', 'build', folder.path]);
  expect(built.code, built.stderr).toBe(0);
  const { said } = await runOn('test-on-image', 'uml', 'cat /opt/more; echo $MORE $GREETING; /etc/gva/run x');
  expect(said).toMatch(/^two\n0\ntwo it's a container\n1000:1001 /);
  const again = await gva(['base', 'build', folder.path]);
  expect(again.stderr).toMatch(/^test-on-image: is there/);
});

it('a damaged container image becomes no base', async () => {
  await using folder = await temporaryFolder();
  const layout = await writeLayout(join(folder.path, 'image'), {
    layers: [{ tar: Buffer.alloc(1024, 'x') }],
  });
  const env = { XDG_DATA_HOME: join(folder.path, 'data') };
  const { code, stderr } = await gva(['base', 'build', `oci:${layout}`, '--name', 'x'], env);
  expect({ code, stderr }).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('wrong checksum') as string,
  });
  await expect(readFile(join(folder.path, 'data/gva/bases/x/current/base.json'))).rejects.toThrow();
});

// GVA_LONG: mmdebstrap makes a whole system.
it.runIf(process.env['GVA_LONG'])(
  'a container image of Debian with Python runs its entry point',
  { timeout: buildLimit },
  async () => {
    await using folder = await temporaryFolder();
    // By whatever way this machine's apt has to the archive.
    const options = debianOptions('debian:bookworm', { packages: ['python3-minimal'] });
    const tar = await bootstrap(options, folder.path, () => undefined);
    const layout = await writeLayout(join(folder.path, 'debian'), {
      layers: [{ tar: await readFile(tar) }],
      config: { Env: ['PATH=/usr/bin:/bin'], Entrypoint: ['python3', '-c'], User: 'nobody' },
    });
    const building = ['base', 'build', `oci:${layout}`, '--name', 'test-oci-debian'];
    const { code, stderr } = await gva(building, {}, undefined, 600);
    expect(code, stderr).toBe(0);
    const base = await loadDirectBase('test-oci-debian');
    expect(base).toMatchObject({ distribution: { id: 'debian', version: '12', codename: 'bookworm' } });
    expect(Object.keys(base.packages)).toContain('python3-minimal');
    for (const vmm of ['uml', 'qemu'])
      expect((await runOn(base.name, vmm, "/etc/gva/run 'import os; print(os.getuid(), 6 * 7)'")).said).toBe(
        '65534 42\n',
      );
  },
);
