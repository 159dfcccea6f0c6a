import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openPackage, type OpenPackageOptions } from '../../src/ovf/package.js';
import { capacityProblems } from '../../src/ovf/package/limits.js';
import { verifyManifest } from '../../src/ovf/verify-manifest.js';
import { createSigner } from '../../src/ovf/signature.js';
import { plant, run, scratch } from '../disk/ext4-fixture.js';
import { smallPackage, tarBytes, type RawMember } from './tar-fixture.js';

const digest = (content: string, algorithm = 'sha256') => createHash(algorithm).update(content).digest('hex');
const mf = (files: Record<string, string>) =>
  Object.entries(files).map(([name, content]) => `SHA256(${name})= ${digest(content)}\n`).join(''); // prettier-ignore
const small = { 'x.ovf': '<Envelope/>', 'x-disk1.vmdk': 'disk one' };

/** Writes an archive of these members, and gives its path. */
function ova(members: RawMember[], folder = scratch()): string {
  const path = join(folder, 'x.ova');
  writeFileSync(path, tarBytes(members));
  return path;
}

/** A package of these files as an archive, as a folder, and as a descriptor beside its files. */
function everyKind(files: Record<string, string>): string[] {
  const folder = scratch();
  plant(join(folder, 'package'), files);
  const path = ova(Object.entries(files).map(([name, content]) => ({ name, content })), folder); // prettier-ignore
  return [path, join(folder, 'package'), join(folder, 'package/x.ovf')];
}

async function read(pkg: Awaited<ReturnType<typeof openPackage>>, name: string): Promise<string> {
  await using source = await pkg.open(name);
  return (await source.read(0, source.size)).toString();
}

const refused = (path: string, options?: OpenPackageOptions) => expect(openPackage(path, options)).rejects;

describe('what is opened', () => {
  test('an archive, a folder, a descriptor', async () => {
    const files = { ...small, 'x.mf': mf(small), 'disks/second.vmdk': 'second' };
    const kinds = [];
    for (const path of everyKind(files)) {
      await using pkg = await openPackage(path);
      kinds.push(pkg.kind);
      expect(pkg).toMatchObject({
        path,
        descriptorName: 'x.ovf',
        signature: { state: 'unsigned' },
        problems: [],
      });
      expect(pkg.descriptor.toString()).toBe('<Envelope/>');
      expect(pkg.manifest?.entries.map(({ name }) => name)).toEqual(Object.keys(small));
      for (const [name, content] of Object.entries(files)) {
        expect(await pkg.member(name)).toMatchObject({ size: content.length });
        expect(await read(pkg, name)).toBe(content);
        expect(pkg.members.has(name)).toBe(true);
      }
      expect(await pkg.digest('x-disk1.vmdk', 'MD5')).toBe(digest('disk one', 'md5'));
      expect(await pkg.digest('x-disk1.vmdk', 'SHA512')).toBe(digest('disk one', 'sha512'));
      for (const name of ['none', '../x.ova', '/etc/passwd', 'disks', '', 'x.ovf/y', 'a'.repeat(300)]) {
        expect(await pkg.member(name)).toBeUndefined();
        await expect(pkg.open(name)).rejects.toMatchObject({ code: 'PACKAGE_MEMBER' });
      }
      expect(await verifyManifest(pkg, ['x-disk1.vmdk'])).toEqual([]);
    }
    expect(kinds).toEqual(['ova', 'folder', 'ovf']);
  });

  test('any order, with a warning', async () => {
    await using pkg = await openPackage(ova([...smallPackage].reverse()));
    expect(pkg.problems).toEqual([
      {
        severity: 'warning',
        place: 'x.ovf',
        message: expect.stringContaining('not the first member') as string,
      },
    ]);
  });

  test('a package that lies in a folder of the archive', async () => {
    const path = ova([{ name: 'top/', type: '5' }, { name: 'top/x.ovf' }, { name: 'top/d/x.vmdk' }, { name: 'other' }, { name: 'top/._x.ovf' }]); // prettier-ignore
    await using pkg = await openPackage(path);
    expect([...pkg.members.keys()]).toEqual(['x.ovf', 'd/x.vmdk']);
    expect(pkg.ignored).toEqual(['top', 'top/._x.ovf', 'other']);
    expect(pkg.problems.map(({ message }) => message)).toEqual([expect.stringContaining('folder "top/"')]);
  });

  test('the descriptor through a link: its files are beside the real one', async () => {
    const [, folder = ''] = everyKind(small);
    const elsewhere = scratch();
    symlinkSync(join(folder, 'x.ovf'), join(elsewhere, 'link.ovf'));
    await using pkg = await openPackage(join(elsewhere, 'link.ovf'));
    expect(await read(pkg, 'x-disk1.vmdk')).toBe('disk one');
  });

  test('capitals in extensions, and a manifest of another name', async () => {
    await using pkg = await openPackage(ova([{ name: 'X.OVF' }, { name: 'X.MF' }, { name: 'y.mf' }]));
    expect(pkg.descriptorName).toBe('X.OVF');
    expect(pkg.manifest?.name).toBe('X.MF');
    expect(pkg.problems).toEqual([expect.objectContaining({ severity: 'warning', place: 'y.mf' })]);
  });
});

describe('compressed', () => {
  test.each(['gzip', 'xz'] as const)('%s: expanded once', async (tool) => {
    const folder = scratch();
    const path = ova([...smallPackage, { name: 'zeros', content: Buffer.alloc(3 << 20) }], folder);
    run(tool, ['--keep', path]);
    const compressed = `${path}.${tool === 'gzip' ? 'gz' : 'xz'}`;
    const expandTo = join(folder, 'expanded');
    {
      await using pkg = await openPackage(compressed, { expandTo });
      expect(pkg).toMatchObject({ kind: 'ova', compression: tool });
      expect(await read(pkg, 'x-disk1.vmdk')).toBe('disk one');
    }
    expect(run('cmp', [path, expandTo])).toBe('');
    expect(Number(run('stat', ['-c', '%b', expandTo]))).toBeLessThan(2 ** 11); // the zeros are a hole
    writeFileSync(compressed, compressed.slice(0, 6)); // no byte of it is needed again but the first ones
    await refused(compressed, { expandTo }).toMatchObject({ code: 'PACKAGE_FORMAT' });
  });

  test.each([
    ['gzip', 'gz'],
    ['xz', 'xz'],
  ])('%s: bombs, damage, and no place', async (tool, extension) => {
    const folder = scratch();
    const path = ova([...smallPackage, { name: 'zeros', content: Buffer.alloc(3 << 20) }], folder);
    run(tool, [path]);
    const compressed = `${path}.${extension}`;
    const expandTo = join(folder, 'expanded');
    const before = readdirSync(folder);
    await refused(compressed, { expandTo, limits: { inflated: 1 << 20 } }).toMatchObject({
      code: 'PACKAGE_LIMIT',
      message: expect.stringContaining('more than 1 MiB') as string,
    });
    await refused(compressed, { expandTo: join(folder, 'none/x') }).toMatchObject({ code: 'PACKAGE_WRITE' });
    await refused(compressed).toMatchObject({
      code: 'PACKAGE_FORMAT',
      hint: expect.stringContaining(tool) as string,
    });
    const reason = new Error('enough');
    const signal = AbortSignal.abort(reason);
    await refused(compressed, { expandTo, signal }).toBe(reason);
    run('sh', ['-c', 'head -c 200 "$0" >"$0.cut"', compressed]);
    await refused(`${compressed}.cut`, { expandTo }).toMatchObject({ code: 'PACKAGE_CORRUPT' });
    expect(readdirSync(folder)).toEqual([...before, `x.ova.${extension}.cut`].sort());
  });
});

describe('refused', () => {
  test.each<[string, RawMember[], string, RegExp]>([
    ['no descriptor', [{ name: 'x.vmdk' }], 'PACKAGE_FORMAT', /no descriptor/],
    ['two descriptors', [{ name: 'x.ovf' }, { name: 'y.ovf' }], 'PACKAGE_FORMAT', /x\.ovf, y\.ovf/],
    ['a link', [...smallPackage, { name: 'l', type: '2' }], 'PACKAGE_MEMBER', /"l".*symbolic link/],
    ['a huge descriptor', [{ name: 'x.ovf', content: Buffer.alloc((4 << 20) + 1) }], 'PACKAGE_LIMIT', /"x\.ovf" has 4\.0 MiB, the limit is 4 MiB/], // prettier-ignore
    ['a huge manifest', [{ name: 'x.ovf' }, { name: 'x.mf', content: Buffer.alloc((1 << 20) + 1) }], 'PACKAGE_LIMIT', /"x\.mf"/], // prettier-ignore
    ['a huge certificate', [{ name: 'x.ovf' }, { name: 'x.cert', content: Buffer.alloc((1 << 20) + 1) }], 'PACKAGE_LIMIT', /"x\.cert"/], // prettier-ignore
  ])('%s', async (_, members, code, message) => {
    await refused(ova(members)).toMatchObject({ code, message: expect.stringMatching(message) as string });
  });

  test('what is no package', async () => {
    const folder = scratch();
    await refused(join(folder, 'none.ova')).toMatchObject({ code: 'PACKAGE_OPEN' });
    await refused(folder).toMatchObject({ code: 'PACKAGE_FORMAT', message: expect.stringContaining('no descriptor') as string }); // prettier-ignore
    writeFileSync(join(folder, 'disk.qcow2'), 'QFI\xfb'.padEnd(2000, 'x'));
    await refused(join(folder, 'disk.qcow2')).toMatchObject({ code: 'PACKAGE_FORMAT' });
    await refused('/dev/null').toMatchObject({ code: 'IMAGE_OPEN' });
    plant(folder, { 'a.ovf': 'a', 'b.ovf': 'b', '.c.ovf': 'c', '._a.ovf': 'd' });
    await refused(folder).toMatchObject({ code: 'PACKAGE_FORMAT', message: expect.stringContaining('a.ovf, b.ovf') as string }); // prettier-ignore
    mkdirSync(join(folder, 'd/e.ovf'), { recursive: true });
    await refused(join(folder, 'd')).toMatchObject({ code: 'PACKAGE_FORMAT' });
  });

  test('links that lead out of the folder, and special files', async () => {
    const folder = scratch();
    plant(folder, {
      'secret': 'secret',
      'p/x.ovf': '',
      'p/d/in.vmdk': 'inside',
      'p/in.vmdk': { symlink: 'd/in.vmdk' },
      'p/out.vmdk': { symlink: '../secret' },
      'p/out': { symlink: '..' },
      'p/loop': { symlink: 'loop' },
      'p/gone': { symlink: 'none' },
      'p/tty': { symlink: '/dev/null' },
      'q/x.ovf': { symlink: '../secret' },
      'r/x.ovf': '',
      'r/x.mf': { symlink: '../secret' },
    }); // prettier-ignore
    run('mkfifo', [join(folder, 'p/pipe')]);
    await using pkg = await openPackage(join(folder, 'p'));
    expect(await read(pkg, 'in.vmdk')).toBe('inside');
    expect(await pkg.member('gone')).toBeUndefined();
    for (const name of ['out.vmdk', 'out/secret', 'tty', 'pipe', 'loop'])
      await expect(pkg.open(name)).rejects.toMatchObject({
        code: 'PACKAGE_MEMBER',
        message: expect.stringContaining(`"${name}"`) as string,
      });
    await refused(join(folder, 'q')).toMatchObject({ code: 'PACKAGE_MEMBER' });
    await refused(join(folder, 'r')).toMatchObject({ code: 'PACKAGE_MEMBER' });
  });
});

describe('manifest', () => {
  const problemsOf = async (files: Record<string, string>, referenced = ['x-disk1.vmdk']) => {
    const results = [];
    for (const path of everyKind(files)) {
      await using pkg = await openPackage(path);
      const problems = [...pkg.problems, ...(await verifyManifest(pkg, referenced))];
      results.push(problems.map(({ severity, place, message }) => `${severity} ${place}: ${message}`));
    }
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
    return results[0];
  };

  test('none', async () => expect(await problemsOf(small)).toEqual([]));

  test('a digest that differs', async () => {
    const changed = { ...small, 'x-disk1.vmdk': 'changed', 'x.mf': mf(small) };
    expect(await problemsOf(changed)).toEqual([
      'error x.mf:2: "x-disk1.vmdk" is not what was packed: its SHA256 digest differs',
    ]);
    expect(await problemsOf({ ...changed, 'x.ovf': 'changed' })).toHaveLength(2);
  });

  test('every algorithm', async () => {
    const algorithms = ['md5', 'sha1', 'sha256', 'sha384', 'sha512'];
    const line = (text: string) => algorithms.map((each) => `${each.toUpperCase()} (x.ovf) = ${digest(text, each)}\r\n`).join(''); // prettier-ignore
    const unlisted = 'warning x.mf: "x-disk1.vmdk" is not listed';
    expect(await problemsOf({ ...small, 'x.mf': line('<Envelope/>') })).toEqual([unlisted]);
    expect(await problemsOf({ ...small, 'x.mf': line('other') })).toHaveLength(6);
  });

  test('listed and absent: an error where it is needed', async () => {
    const files = { ...small, 'x.mf': mf({ ...small, 'gone.vmdk': '' }) };
    expect(await problemsOf(files)).toEqual(['warning x.mf:3: "gone.vmdk" is listed and not in the package']);
    expect(await problemsOf(files, ['x-disk1.vmdk', 'gone.vmdk'])).toEqual([
      'error x.mf:3: "gone.vmdk" is listed and not in the package',
    ]);
  });

  test('without the line of the descriptor, with unknown lines and names that lead out', async () => {
    const lines = mf({ 'x-disk1.vmdk': 'disk one', '../secret': '' });
    expect(await problemsOf({ ...small, 'x.mf': `${lines}SHA3(x.ovf)= 00\n` })).toEqual([
      'warning x.mf:3: not a line of a manifest: ignored',
      'warning x.mf:2: "../secret" is listed and not in the package',
      'warning x.mf: "x.ovf" is not listed',
    ]);
  });

  test('a link that leads out is an error, and the rest is verified', async () => {
    const folder = scratch();
    plant(folder, { 'secret': '', 'p/x.ovf': 'changed', 'p/l': { symlink: '../secret' }, 'p/x.mf': mf({ 'l': '', 'x.ovf': '' }) }); // prettier-ignore
    await using pkg = await openPackage(join(folder, 'p'));
    expect((await verifyManifest(pkg)).map(({ message }) => message)).toEqual([
      expect.stringContaining('leads out'),
      expect.stringContaining('digest differs'),
    ]);
  });

  test('ends when asked to', async () => {
    await using pkg = await openPackage(ova([...smallPackage, { name: 'x.mf', content: mf(small) }]));
    const reason = new Error('enough');
    await expect(verifyManifest(pkg, [], AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});

describe('signature', () => {
  const folder = () => {
    const path = scratch();
    run('openssl', ['req', '-x509', '-newkey', 'rsa:1024', '-nodes', '-keyout', join(path, 'key'), '-out', join(path, 'pem'), '-subj', '/CN=own', '-days', '9']); // prettier-ignore
    return path;
  };

  test('of what was packed, of what was changed, and of what it does not cover', async () => {
    const path = folder();
    const read = (name: string) => run('cat', [join(path, name)]);
    const signer = createSigner({ key: read('key'), certificate: read('pem') });
    const signed = (files: Record<string, string>, manifest: string) => {
      const certificate = signer.sign('x.mf', Buffer.from(mf(small))).toString();
      return everyKind({ ...files, 'x.mf': manifest, 'x.cert': certificate });
    };
    for (const each of signed(small, mf(small))) {
      await using pkg = await openPackage(each);
      expect(pkg.signature).toMatchObject({
        state: 'valid',
        certificate: { subject: 'CN=own', current: true },
      });
      expect(pkg.problems).toEqual([]);
      expect(await verifyManifest(pkg, ['x-disk1.vmdk'])).toEqual([]);
      expect(await verifyManifest(pkg, ['added.vmdk'])).toEqual([
        { severity: 'error', place: 'x.mf', message: '"added.vmdk" is not listed, so that the signature does not cover it' }, // prettier-ignore
      ]);
    }
    const changed = { ...small, 'x-disk1.vmdk': 'changed' };
    for (const each of signed(changed, mf(changed))) {
      await using pkg = await openPackage(each);
      expect(pkg.problems).toEqual([
        { severity: 'error', place: 'x.cert', message: 'the signature is not valid: the manifest is not what was signed' }, // prettier-ignore
      ]);
    }
    for (const each of signed(changed, mf(small))) {
      await using pkg = await openPackage(each);
      expect(pkg.signature.state).toBe('valid');
      expect(await verifyManifest(pkg, ['x-disk1.vmdk'])).toMatchObject([
        { severity: 'error', place: 'x.mf:2' },
      ]);
    }
  });

  test('without a manifest, weak, or outside its time', async () => {
    const path = folder();
    const read = (name: string) => run('cat', [join(path, name)]);
    const signer = createSigner({ key: read('key'), certificate: read('pem'), algorithm: 'SHA1' });
    const manifest = mf(small);
    const certificate = { name: 'x.cert', content: signer.sign('x.mf', Buffer.from(manifest)) };
    const messages = async (members: RawMember[]) => {
      await using pkg = await openPackage(ova(members));
      return pkg.problems.map(({ severity, message }) => `${severity} ${message}`);
    };
    expect(await messages([...smallPackage, certificate])).toEqual([
      expect.stringMatching(/^error .*no manifest/),
    ]);
    expect(await messages([...smallPackage, { name: 'x.mf', content: manifest }, certificate])).toEqual([expect.stringMatching(/^warning .*SHA1/)]); // prettier-ignore
    run('openssl', [
      'req',
      '-new',
      '-key',
      join(path, 'key'),
      '-out',
      join(path, 'request'),
      '-subj',
      '/CN=own',
    ]);
    run('openssl', ['x509', '-req', '-in', join(path, 'request'), '-signkey', join(path, 'key'), '-days', '-1', '-out', join(path, 'pem')]); // prettier-ignore
    const late = createSigner({ key: read('key'), certificate: read('pem') }).sign(
      'x.mf',
      Buffer.from(manifest),
    );
    expect(await messages([...smallPackage, { name: 'x.mf', content: manifest }, { name: 'x.cert', content: late }])).toEqual([expect.stringMatching(/^warning the certificate is valid from/)]); // prettier-ignore
  });
});

test('disks that ask for too much', () => {
  const disks = (...capacities: number[]) => capacities.map((capacity, n) => ({ id: `d${n}`, capacity }));
  expect(capacityProblems(disks(2 ** 43, 2 ** 43), 'x.ovf')).toEqual([]);
  expect(capacityProblems([...disks(2 ** 43, 2 ** 43, 1), { id: 'unknown' }], 'x.ovf')).toEqual([
    { severity: 'error', place: 'x.ovf', message: 'the disks ask for 16.0 TiB, the limit is 16 TiB' },
  ]);
  expect(capacityProblems(disks(2), 'x.ovf', { capacity: 1 })).toHaveLength(1);
});
