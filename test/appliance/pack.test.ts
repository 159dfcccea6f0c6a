import { createHash } from 'node:crypto';
import { chmod, mkdir, open, readFile, readdir, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { loadAppliance } from '../../src/appliance/load.js';
import type { PackOptions } from '../../src/appliance/pack.js';
import { examinePackage, requireRunnable } from '../../src/appliance/package/examine.js';
import { packageDisk } from '../../src/appliance/package/disks.js';
import { reportOf } from '../../src/appliance/package/report.js';
import { loadSource } from '../../src/appliance/source.js';
import { unpackAppliance } from '../../src/appliance/unpack.js';
import { loadBase } from '../../src/base/store.js';
import { openExt4 } from '../../src/disk/ext4/index.js';
import { lookUp } from '../../src/disk/lookup.js';
import { openRaw } from '../../src/disk/source.js';
import { createSigner } from '../../src/ovf/signature.js';
import { type TestHome, makeTestHome } from '../support/fake-appliance.js';
import { installFakeBase, packFolder, runProgram } from '../support/packages.js';

const manifest = `name: square
version: 1.2.3
description: Squares a number.
run: ./job.sh $(cat /cdrom/param)
parameters:
  n: { type: int, min: 0, max: 99, label: side }
  mode: { type: string, default: fast, values: [fast, exact] }
hardware: { cpus: 2, memory: 128M }
deployment-options:
  large: { label: More of it, cpus: 4, memory: 1G }
output: { size: 2M }
`;

let home: TestHome;
let folder: string;
let ova: string;
beforeEach(async () => {
  home = await makeTestHome();
  await installFakeBase();
  folder = join(home.folder, 'square');
  ova = join(home.folder, 'square.ova');
  await mkdir(join(folder, 'app/lib'), { recursive: true });
  await mkdir(join(folder, 'data'));
  await writeFile(join(folder, 'gva.yaml'), manifest);
  await writeFile(join(folder, 'app/job.sh'), '#!/bin/sh\n', { mode: 0o755 });
  await writeFile(join(folder, 'app/lib/table'), 'a table');
  await symlink('lib/table', join(folder, 'app/link'));
  await writeFile(join(folder, 'data/input'), 'data');
  return () => home[Symbol.asyncDispose]();
});

const pack = (options: PackOptions = {}, target = ova) => packFolder(folder, target, options);
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** Members in their order, as the tar's own bytes say. */
async function members(file: string): Promise<{ name: string; size: number; at: number; type: string }[]> {
  const bytes = await readFile(file);
  const found = [];
  for (let at = 0; bytes[at] !== 0;) {
    const name = bytes.toString('latin1', at, bytes.indexOf(0, at));
    const size = parseInt(bytes.toString('latin1', at + 124, at + 135), 8);
    expect(bytes.toString('latin1', at + 257, at + 265)).toBe('ustar\x0000');
    found.push({ name, size, at: at + 512, type: bytes.toString('latin1', at + 156, at + 157) });
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return found;
}

describe('gva pack', () => {
  test('writes descriptor, manifest and disks in this order, plain files with flat names', async () => {
    await pack();
    const found = await members(ova);
    expect(found.map(({ name, type }) => `${type} ${name}`)).toEqual([
      ...['0 square.ovf', '0 square.mf', '0 square-base.vmdk'],
      ...['0 square-app.vmdk', '0 square-data.vmdk', '0 square-output.vmdk'],
    ]);
    const bytes = await readFile(ova);
    const content = (name: string) => {
      const { at, size } = found.find((each) => each.name === name)!;
      return bytes.subarray(at, at + size);
    };
    const listed = content('square.mf').toString();
    const others = found.filter(({ name }) => name !== 'square.mf');
    expect(listed).toBe(others.map(({ name }) => `SHA256(${name})= ${sha256(content(name))}\n`).join(''));
  });

  test('writes disks that qemu-img reads to the same bytes', async () => {
    await pack();
    await runProgram('tar', ['-xf', ova, '-C', home.scratch]);
    await using pkg = await examinePackage(ova);
    expect(pkg.problems).toEqual([]);
    for (const disk of pkg.envelope.disks) {
      const ours = await packageDisk(pkg, disk);
      const vmdk = join(home.scratch, `square-${disk.role}.vmdk`);
      const raw = `${vmdk}.raw`;
      await runProgram('qemu-img', ['check', '-f', 'vmdk', vmdk]);
      await runProgram('qemu-img', ['convert', '-f', 'vmdk', '-O', 'raw', vmdk, raw]);
      const compared = await runProgram('qemu-img', ['compare', '-f', 'raw', '-F', 'raw', raw, ours.file]);
      expect(compared.stdout).toContain('Images are identical');
      expect(ours.size).toBe(disk.capacity);
    }
  });

  test('gives the same bytes for the same folder, also for one that was unpacked', async () => {
    await pack();
    const again = join(home.folder, 'again');
    expect(await unpackAppliance(ova, again, new AbortController().signal)).toEqual([]);
    expect((await readdir(again, { recursive: true })).sort()).toEqual(
      (await readdir(folder, { recursive: true })).sort(),
    );
    await packFolder(again, join(home.folder, 'again.ova'));
    expect(sha256(await readFile(join(home.folder, 'again.ova')))).toBe(sha256(await readFile(ova)));
  });

  test('is small where the base stays away, and says which it needs', async () => {
    await pack({ thin: true });
    expect((await stat(ova)).size).toBeLessThan(200_000);
    await using pkg = await examinePackage(ova);
    expect(requireRunnable(pkg).system.gva).toMatchObject({
      contract: 1,
      base: { name: 'micro', digest: 'b'.repeat(64) },
    });
    expect(pkg.envelope.disks.map(({ role }) => role)).toEqual(['app', 'data', 'output']);
  });

  test('describes a blank output disk without a file', async () => {
    await pack({ blankOutput: true });
    await using pkg = await examinePackage(ova);
    expect(pkg.problems).toEqual([]);
    expect(pkg.envelope.disks.at(-1)).toMatchObject({ role: 'output', capacity: 2 << 20 });
    expect(pkg.envelope.disks.at(-1)?.fileRef).toBeUndefined();
  });

  test('puts components on one disk, and takes them apart again', async () => {
    await pack({ combine: ['data', 'output'] });
    await using pkg = await examinePackage(ova);
    expect(pkg.envelope.disks.map(({ role }) => role)).toEqual(['base', 'app']);
    const { file } = await packageDisk(pkg, pkg.envelope.disks[1]!);
    await using source = await openRaw(file);
    const tree = await openExt4(source);
    const found = await lookUp(tree, 'data/input', () => undefined);
    expect([found?.kind, (await lookUp(tree, 'output', () => undefined))?.kind]).toEqual([
      'file',
      'directory',
    ]);
    await unpackAppliance(ova, join(home.folder, 'again'), new AbortController().signal);
    expect(await readFile(join(home.folder, 'again/data/input'), 'utf8')).toBe('data');
    expect((await readdir(join(home.folder, 'again/app'))).sort()).toEqual(['job.sh', 'lib', 'link']);
  });

  test('packs another launcher, which unpacking gives back', async () => {
    await pack({ script: '#!/bin/sh\necho mine\n' });
    const again = join(home.folder, 'again');
    await unpackAppliance(ova, again, new AbortController().signal);
    expect(await readFile(join(again, 'autorun.sh'), 'utf8')).toBe('#!/bin/sh\necho mine\n');
    await packFolder(again, join(home.folder, 'again.ova'));
    expect(sha256(await readFile(join(home.folder, 'again.ova')))).toBe(sha256(await readFile(ova)));
  });

  test('leaves nothing behind when it is interrupted', async () => {
    const before = await readdir(home.folder);
    const source = await loadAppliance(folder);
    const { packAppliance } = await import('../../src/appliance/pack.js');
    const stop = AbortSignal.abort(new Error('stop'));
    await expect(packAppliance(source, ova, {}, () => undefined, stop)).rejects.toThrow('stop');
    expect((await readdir(home.folder)).filter((name) => name !== 'cache')).toEqual(before);
  });
});

describe('a package', () => {
  test('is the appliance that the folder is', async () => {
    await pack();
    const { appliance } = await loadSource(ova);
    const { appliance: original } = await loadAppliance(folder);
    expect(appliance).toMatchObject({
      ...{ name: 'square', version: '1.2.3', base: 'micro', description: 'Squares a number.' },
      ...{ hardware: original.hardware, output: original.output },
    });
    expect(appliance.parameters).toMatchObject(original.parameters);
    const large = await loadSource(ova, { configuration: 'large' });
    expect(large.appliance.hardware).toEqual({ cpus: 4, memory: 1 << 30 });
    await expect(loadSource(ova, { configuration: 'huge' })).rejects.toThrow('huge');
  });

  test('says what it is', async () => {
    await pack();
    await using pkg = await examinePackage(ova);
    expect(await reportOf(pkg)).toMatchObject({
      ...{ runnable: true, kind: 'ova', dialect: '1', problems: [], signature: { state: 'unsigned' } },
      hardware: {
        cpus: 2,
        memory: 128 << 20,
        networkCards: [],
        cdDrives: 1,
        controllers: expect.arrayContaining(['lsilogic', 'ide']) as unknown,
      },
      disks: [
        { role: 'base', format: 'VMDK (streamOptimized)' },
        { role: 'app', file: 'square-app.vmdk' },
        { role: 'data' },
        { role: 'output', capacity: 2 << 20 },
      ],
      parameters: [
        { name: 'n', type: 'int', min: 0, max: 99, label: 'side' },
        { name: 'mode', default: 'fast', values: ['fast', 'exact'] },
      ],
    });
  });

  test('that was changed is refused, whichever disk it was', async () => {
    await pack();
    for (const { name, at, size } of (await members(ova)).filter((each) => each.name.endsWith('.vmdk'))) {
      const file = await open(ova, 'r+');
      await file.write(Buffer.from('!'), 0, 1, at + size - 600);
      await file.close();
      await expect(loadSource(ova)).rejects.toMatchObject({
        code: 'PACKAGE_REFUSED',
        message: expect.stringContaining(name) as string,
      });
      await pack();
    }
  });

  test('that is signed says by whom, and is refused when it is changed', async () => {
    const [key, cert] = [join(home.folder, 'key.pem'), join(home.folder, 'cert.pem')];
    await runProgram('openssl', [
      ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=Ada', '-keyout', key, '-out', cert],
    ]);
    await pack({ signer: createSigner({ key: await readFile(key), certificate: await readFile(cert) }) });
    expect((await members(ova))[2]?.name).toBe('square.cert');
    {
      await using pkg = await examinePackage(ova);
      expect(pkg.files.signature).toMatchObject({ state: 'valid', certificate: { subject: 'CN=Ada' } });
      expect(pkg.problems).toEqual([]);
    }
    const bytes = await readFile(ova);
    await writeFile(ova, Buffer.from(bytes.toString('latin1').replace('side', 'wide'), 'latin1'));
    await expect(loadSource(ova)).rejects.toMatchObject({ code: 'PACKAGE_REFUSED' });
  });

  test('has the bill of materials of its base, if asked, listed and covered as all else', async () => {
    await pack({ sbom: true });
    const found = (await members(ova)).find(({ name }) => name === 'square.spdx.json')!;
    const text = (await readFile(ova)).toString('utf8', found.at, found.at + found.size);
    const bill = JSON.parse(text) as { spdxVersion: string; packages: { name: string }[] };
    expect(bill).toMatchObject({ spdxVersion: 'SPDX-2.3', relationships: expect.any(Array) as unknown });
    const local = await loadBase('micro');
    expect(bill.packages.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['micro', ...Object.keys(local.packages)]),
    );
    await using pkg = await examinePackage(ova);
    expect(pkg.problems).toEqual([]);
    expect(pkg.files.manifest?.entries.map(({ name }) => name)).toContain('square.spdx.json');
    await unpackAppliance(ova, join(home.folder, 'again'), new AbortController().signal);
    await packFolder(join(home.folder, 'again'), join(home.folder, 'again.ova'), { sbom: true });
    expect(await readFile(join(home.folder, 'again.ova'))).toEqual(await readFile(ova));
  });

  test('of somebody else has no folder to be made again', async () => {
    await pack();
    await runProgram('tar', ['-xf', ova, '-C', home.scratch]);
    const descriptor = join(home.scratch, 'square.ovf');
    const text = await readFile(descriptor, 'utf8');
    await writeFile(descriptor, text.replaceAll(/ gva:[A-Za-z]+="[^"]*"/g, ''));
    await chmod(descriptor, 0o644);
    await writeFile(join(home.scratch, 'square.mf'), '');
    const source = await loadSource(descriptor);
    expect(source).toMatchObject({ kind: 'package', isGva: false });
    const target = join(home.folder, 'again');
    await expect(unpackAppliance(descriptor, target, new AbortController().signal)).rejects.toMatchObject({
      code: 'UNPACK_FOREIGN',
    });
  });
});
