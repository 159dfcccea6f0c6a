import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { cacheFolder } from '../../src/system/paths.js';
import { gva, gvaProgram, readResult, temporaryFolder, writeAppliance } from '../support/gva.js';
import { runProgram } from '../support/packages.js';

const job = 'echo "$1 and $2" >values; md5sum /data/table >sum; od -An -tx1 /cdrom/param.d/text >bytes';
const yaml = `parameters:
  n: { type: int, default: 7 }
  text: { type: string, default: plain }
output: { size: 2M }
`;
const given = ['--param', 'n=12', '--param', "text=a 'quoted' <text> & ü"];
const names = ['values', 'sum', 'bytes'];

let folder: string;
const at = (name: string) => join(folder, name);
/** What gva run makes of the folder itself. */
let expected: string[];

beforeAll(async () => {
  const scratch = await temporaryFolder();
  folder = scratch.path;
  await writeAppliance(at('test'), { yaml, job, files: { 'data/table': 'of numbers\n' } });
  expected = await outputOf('test', '--vmm', 'uml');
  expect(expected[0]).toBe('12 and a\n');
  await ok('pack', 'test');
  return () => scratch[Symbol.asyncDispose]();
});

async function ok(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await gva(args, {}, folder);
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}

/** The output of an instance, which must be done. */
async function outputOf(appliance: string, ...args: string[]): Promise<string[]> {
  await ok('run', appliance, ...given, '--out', 'out', '--force', ...args);
  return Promise.all(names.map((name) => readFile(at(join('out/output', name)), 'utf8')));
}

describe.each(['uml', 'qemu'])('under %s', (vmm) => {
  it('a package puts the same bytes on its output disk as its folder does', async () => {
    expect(await outputOf('test.ova', '--vmm', vmm)).toEqual(expected);
    expect((await readResult(at('out'))).appliance).toMatchObject({ name: 'test' });
  });

  it('a package brings the base image that this machine does not have', async () => {
    const env = { XDG_DATA_HOME: at('no-bases') };
    const args = ['run', 'test.ova', ...given, '--vmm', vmm, '--out', 'elsewhere', '--force'];
    const { code, stderr } = await gva(args, env, folder);
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
    expect(await readFile(at('elsewhere/output/bytes'), 'utf8')).toBe(expected[2]);
  });

  it('components on one disk work as on their own', async () => {
    await ok('pack', 'test', '--combine', 'app,data,output', '--out', 'combined.ova', '--force');
    expect(await outputOf('combined.ova', '--vmm', vmm)).toEqual(expected);
  });
});

it('a thin package runs where its base is, and says what it needs elsewhere', async () => {
  await ok('pack', 'test', '--thin', '--out', 'thin.ova');
  expect(await outputOf('thin.ova', '--vmm', 'uml')).toEqual(expected);
  const elsewhere = await gva(['run', 'thin.ova', ...given], { XDG_DATA_HOME: at('no-bases') }, folder);
  expect(elsewhere.code).toBe(69);
  expect(elsewhere.stderr).toMatch(/needs the base image micro .*\nhint: It is a thin package/);
});

it('without GVA it boots by firmware from its own disk, and takes its parameters from ovf-env.xml alone', async () => {
  await mkdir(at('foreign'));
  await runProgram('tar', ['-xf', at('test.ova'), '-C', at('foreign')]);
  const descriptor = at('foreign/test.ovf');
  const text = await readFile(descriptor, 'utf8');
  await writeFile(descriptor, text.replaceAll(/ gva:[A-Za-z]+="[^"]*"/g, ''));
  await rm(at('foreign/test.mf'));
  expect(await outputOf('foreign')).toEqual(expected);
  expect(await readResult(at('out'))).toMatchObject({ state: 'done', base: { name: 'own' }, scripts: [] });
});

it('a changed package is refused, also when it has run before', async () => {
  const bytes = await readFile(at('test.ova'));
  const at_ = bytes.indexOf('test-app.vmdk', 1024);
  bytes.write('!', bytes.indexOf('KDMV', at_) + 70_000);
  await writeFile(at('changed.ova'), bytes);
  const run = await gva(['run', 'changed.ova', ...given], {}, folder);
  expect(run.code).toBe(2);
  expect(run.stderr).toMatch(/changed.ova cannot be run: test.mf:\d+: .* is not what was packed/);
  expect((await gva(['inspect', 'changed.ova'], {}, folder)).code).toBe(1);
});

it('a sweep takes a package, and a launcher of another template', async () => {
  await writeFile(at('template'), '#!/bin/sh\n# of @TITLE@\necho before >early\napp=/app\n@BEFORE@\n@RUN@\n');
  const editor = { EDITOR: 'sed -i s/before/edited/' };
  const args = ['pack', 'test', '--script-template', 'template', '--edit-script', '--out', 'other.ova'];
  expect(await gva(args, editor, folder)).toMatchObject({ code: 0 });
  await writeFile(at('plan.yaml'), 'appliance: other.ova\nparameters: { n: [1, 2] }\n');
  await ok('sweep', 'run', 'plan.yaml', '--out', 'swept', '--vmm', 'uml');
  for (const n of [1, 2]) {
    const output = at(`swept/points/0000/000000${n - 1}/output`);
    expect(await readFile(join(output, 'values'), 'utf8')).toBe(`${n} and plain\n`);
    expect(await readFile(join(output, 'early'), 'utf8')).toBe('edited\n');
  }
});

it('what may be asked of a package is limited', async () => {
  const { code, stderr } = await gva(['run', 'test.ova', ...given, '--max-capacity', '1M'], {}, folder);
  expect(code).toBe(2);
  expect(stderr).toMatch(/the disks ask for .*, the limit is 1 MiB/);
});

const converter = existsSync('/usr/bin/virt-v2v');
it.skipIf(!converter)(
  `virt-v2v reads it${converter ? '' : ' (skipped: virt-v2v is not installed)'}`,
  async () => {
    const { stdout } = await runProgram('virt-v2v', ['-i', 'ova', at('test.ova'), '--print-source'], {
      env: { ...process.env, LIBGUESTFS_BACKEND: 'direct', LIBGUESTFS_BACKEND_SETTINGS: 'force_tcg' },
    });
    expect(stdout).toMatch(/source name: test[^]*memory: 268435456[^]*3 \[scsi\][^]*CD-ROM \[ide\]/);
  },
);

it('what a person changes in the machine goes into the package', async () => {
  const args = [gvaProgram, 'pack', 'test', '--edit-vm', '--out', 'edited.ova'];
  const child = spawn(process.execPath, args, { cwd: folder, stdio: ['pipe', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (part: string) => (said += part));
  child.stdin.write(
    'echo changed >new-file; rm job.sh\nprintf "#!/bin/sh\\necho other >values\\n" >job.sh\n',
  );
  child.stdin.write('chmod +x job.sh; exit\n');
  const code = await new Promise((resolve) => child.on('exit', resolve));
  expect({ code, said: code === 0 ? '' : said }).toEqual({ code: 0, said: '' });
  await ok('unpack', 'edited.ova', 'edited');
  expect(await readFile(at('edited/app/new-file'), 'utf8')).toBe('changed\n');
  await ok('run', 'edited.ova', '--vmm', 'uml', '--out', 'edited-out');
  expect(await readFile(at('edited-out/output/values'), 'utf8')).toBe('other\n');
});

it('the disks come in other formats, and the parameter CD alone', async () => {
  for (const format of ['raw', 'qcow2', 'vmdk', 'vdi']) {
    const disks = JSON.parse(await ok('convert', 'test.ova', '--to', format, format, '--json')) as {
      file: string;
    }[];
    expect(disks.map(({ file }) => file)).toEqual(
      ['base', 'app', 'data', 'output'].map((role) => `${format}/${role}.${format}`),
    );
    for (const role of ['base', 'app', 'data', 'output']) {
      const [one, other] = [at(`raw/${role}.raw`), at(`${format}/${role}.${format}`)];
      const compared = await runProgram('qemu-img', ['compare', '-f', 'raw', '-F', format, one, other]);
      expect(compared.stdout).toContain('Images are identical');
    }
  }
  await ok('env', 'test.ova', ...given, '--out', 'env.iso');
  await ok('extract', 'env.iso', 'env');
  expect(await readFile(at('env/param.d/text'), 'utf8')).toBe("a 'quoted' <text> & ü");
  expect(cacheFolder()).not.toBe(folder);
});
