import { createHash } from 'node:crypto';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { openPackage } from '../../src/ovf/package.js';
import { nameFault } from '../../src/ovf/package/member-name.js';
import { checkReferences, openReference } from '../../src/ovf/references.js';
import { TAR_BLOCK, tarChecksum, tarField } from '../../src/ovf/tar/header.js';
import { verifyManifest } from '../../src/ovf/verify-manifest.js';
import { GvaError } from '../../src/system/errors.js';
import { run, scratch } from '../disk/ext4-fixture.js';
import { Random } from '../disk/fuzz.js';
import { base256, pax, tarBytes, type RawMember } from './tar-fixture.js';

/** GVA_FUZZ_RUNS=1 GVA_FUZZ_SEED=77 npx vitest run --project unit test/ovf/package-fuzz.test.ts */
const runs = Number(process.env['GVA_FUZZ_RUNS'] ?? (process.env['GVA_LONG'] ? 20_000 : 200));
const seed = Number(process.env['GVA_FUZZ_SEED'] ?? 1);

const limits = { members: 50, descriptor: 4096, manifest: 4096, inflated: 1 << 20 };
const files = [
  { href: 'x-disk1.vmdk', compression: 'identity', size: 700 },
  { href: 'cut.vmdk', compression: 'identity', chunkSize: 512 },
  { href: 'disks/z.vmdk', compression: 'gzip' },
] as const;

function packages(): Buffer[] {
  const disk = 'd'.repeat(700);
  const digest = (text: string | Buffer) => createHash('sha256').update(text).digest('hex');
  const compressed = gzipSync('zipped');
  const content: RawMember[] = [
    { name: 'x.ovf', content: '<Envelope/>' },
    {
      name: 'x.mf',
      content: `SHA256(x.ovf)= ${digest('<Envelope/>')}\nSHA256(x-disk1.vmdk)= ${digest(disk)}\n`,
    },
    {
      name: 'x.cert',
      content: 'SHA256(x.mf)= 00\n-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n',
    },
    { name: 'x-disk1.vmdk', content: disk },
    { name: 'cut.vmdk.000000000', content: 'c'.repeat(512) },
    { name: 'cut.vmdk.000000001', content: 'c' },
    { name: 'disks/z.vmdk', content: compressed },
  ];
  const long: RawMember = { name: '././@LongLink', type: 'L', content: 'long-'.repeat(30), magic: 'ustar ' };
  return [
    tarBytes(content),
    tarBytes([{ name: './', type: '5' }, ...content.map((each) => ({ ...each, name: `./${each.name as string}` }))]), // prettier-ignore
    tarBytes(content.flatMap((each) => [pax({ path: each.name as string, size: String(each.content?.length) }), { ...each, name: 'short', size: 0 }])), // prettier-ignore
    tarBytes(
      [...content, long, { name: 'long', size: base256(0n), magic: 'ustar ' }, pax({ mtime: '1.5' }, 'g')],
      3,
    ),
  ];
}

/** A copy with a few changes, most of them in a header, most of those with the checksum that fits. */
function damaged(archive: Buffer, random: Random): Buffer {
  const bytes = Buffer.from(archive);
  for (let changes = random.below(4) + 1; changes > 0; changes -= 1) {
    const block = random.below(Math.ceil(bytes.length / TAR_BLOCK)) * TAR_BLOCK;
    const [offset, length] = random.pick([tarField.name, tarField.size, tarField.size, tarField.type, tarField.prefix, tarField.magic, [0, TAR_BLOCK]] as const); // prettier-ignore
    const at = Math.min(block + offset + random.below(length), bytes.length - 1);
    const isHeader = bytes.toString('latin1', block + 257, block + 262) === 'ustar';
    bytes[at] = random.pick([0, 0x20, 0x2e, 0x2f, 0x30, 0x31, 0x35, 0x37, 0x5c, 0x80, 0xff, 0x4c, 0x78, random.below(256)]); // prettier-ignore
    if (isHeader && random.below(10) > 0) fixChecksum(bytes.subarray(block, block + TAR_BLOCK));
  }
  return random.below(20) === 0 ? bytes.subarray(0, random.below(bytes.length)) : bytes;
}

function fixChecksum(block: Buffer): void {
  block.write(`${tarChecksum(block).toString(8).padStart(6, '0')}\0 `, tarField.checksum[0], 'latin1');
}

/** Uses a package as inspecting and running it does. */
async function use(path: string, expandTo: string): Promise<void> {
  await using pkg = await openPackage(path, { limits, expandTo });
  for (const name of pkg.members.keys()) {
    expect(nameFault(name)).toBeUndefined();
    await using source = await pkg.open(name);
    await source.read(0, source.size);
  }
  const { names } = await checkReferences(pkg, files);
  await verifyManifest(pkg, names);
  for (const file of files) await (await openReference(pkg, file, { expandTo })).close();
}

test(
  `${runs} damaged packages: opened or refused, never a crash`,
  { timeout: 30_000 + runs * 20 },
  async () => {
    const folder = scratch();
    const path = join(folder, 'x.ova');
    const archives = packages();
    const codes: Record<string, number> = {};
    for (let each = seed; each < seed + runs; each += 1) {
      const random = new Random(each);
      const bytes = damaged(random.pick(archives), random);
      writeFileSync(path, random.below(20) === 0 ? damaged(gzipSync(bytes), random) : bytes);
      const code = await use(path, join(folder, `expanded-${each}`)).then(
        () => 'used',
        (error: unknown) => {
          if (error instanceof GvaError) return error.code;
          throw new Error(`GVA_FUZZ_SEED=${each} GVA_FUZZ_RUNS=1 fails`, { cause: error });
        },
      );
      codes[code] = (codes[code] ?? 0) + 1;
    }
    if (process.env['GVA_FUZZ_RUNS'] !== undefined) console.log(codes);
    expect(readdirSync(folder).every((name) => /^(x\.ova|expanded-\d+)$/.test(name))).toBe(true);
    if (runs < 200) return;
    expect(codes['used']).toBeGreaterThan(runs / 10);
    for (const code of ['PACKAGE_MEMBER', 'PACKAGE_CORRUPT', 'PACKAGE_FORMAT', 'PACKAGE_HREF']) expect(codes[code]).toBeGreaterThan(0); // prettier-ignore
  },
);

test('the archives that are damaged are good', async () => {
  const folder = scratch();
  for (const [n, archive] of packages().entries()) {
    const path = join(folder, `${n}.ova`);
    writeFileSync(path, archive);
    await use(path, join(folder, `expanded-${n}`));
    expect(run('tar', ['-tf', path])).toContain('x.ovf');
  }
});
