import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { openRaw } from '../src/disk/source.js';
import { formatManifest, manifestSize } from '../src/ovf/manifest.js';
import { openPackage } from '../src/ovf/package.js';
import { defaultLimits } from '../src/ovf/package/limits.js';
import { indexTar } from '../src/ovf/tar/read-index.js';
import { ustarHeader, writeOva } from '../src/ovf/tar/writer.js';
import { verifyManifest } from '../src/ovf/verify-manifest.js';
import { type Benchmark, type Figure, alternate, timed } from './benchmark.js';
import { execute, inTemporaryFolder } from './gva.js';

const rounds = 7;
const largeDisk = 10 * 2 ** 30;
const streamed = 256 * 2 ** 20;

/** Finding what is in an OVA, writing one, and comparing it with its manifest. */
export const ova: Benchmark = {
  name: 'ova',
  title: 'the container of a package',
  run: () => inTemporaryFolder(async (folder) => [...(await indexing(folder)), ...(await streaming(folder))]),
};

async function indexing(folder: string): Promise<Figure[]> {
  const large = join(folder, 'large.ova');
  await writeLarge(large);
  const many = join(folder, 'many.ova');
  await writeOva(many, async (archive) => {
    archive.reserve('x.ovf', 4000);
    await archive.fill('x.ovf', Buffer.alloc(4000, ' '));
    for (let n = 0; n < defaultLimits.members - 1; n++)
      await archive.stream(`member-${n}`, (write) => write(Buffer.alloc(1000)));
  });
  const inMs = async (work: () => Promise<unknown>) => 1000 * (await timed(work));
  const samples = await alternate(rounds, {
    index: () => inMs(() => indexOf(large)),
    opened: () => inMs(async () => (await openPackage(large)).close()),
    many: () => inMs(() => indexOf(many)),
    tar: () => inMs(() => execute('tar', ['-tf', large])),
  });
  return [
    { what: 'OVA of 10 GiB, indexed', unit: 'ms', samples: samples.index, target: 50 },
    { what: 'OVA of 10 GiB, opened with descriptor and manifest', unit: 'ms', samples: samples.opened },
    { what: 'OVA of 10 GiB, tar -t, a process', unit: 'ms', samples: samples.tar, reference: true },
    { what: `OVA of ${defaultLimits.members} members, indexed`, unit: 'ms', samples: samples.many },
  ];
}

async function indexOf(path: string): Promise<void> {
  await using file = await openRaw(path);
  await indexTar(file, defaultLimits);
}

/** Descriptor, manifest, a disk that is one hole, and a last member behind it. */
async function writeLarge(path: string): Promise<void> {
  const manifest = formatManifest([{ name: 'x.ovf', digest: '0'.repeat(64) }]);
  const members: [name: string, content: string, size: number][] = [
    ['x.ovf', '<Envelope/>', 11],
    ['x.mf', manifest, manifest.length],
    ['x-disk1.vmdk', '', largeDisk],
    ['x-disk2.vmdk', 'disk', 4],
  ];
  const file = await open(path, 'wx');
  let at = 0;
  for (const [name, content, size] of members) {
    await file.write(ustarHeader(name, size), 0, 512, at);
    await file.write(content, at + 512);
    at += 512 + Math.ceil(size / 512) * 512;
  }
  await file.truncate(at + 1024);
  await file.close();
}

async function streaming(folder: string): Promise<Figure[]> {
  const path = join(folder, 'streamed.ova');
  const grain = Buffer.alloc(30_000, 'as large as a compressed grain; ');
  const descriptor = Buffer.from('<Envelope/>');
  const write = () =>
    writeOva(path, async (archive) => {
      archive.reserve('x.ovf', descriptor.length);
      archive.reserve('x.mf', mfSize);
      const disk = await archive.stream('x-disk1.vmdk', async (append) => {
        for (let done = 0; done < streamed; done += grain.length) await append(grain);
      });
      const text = formatManifest([await archive.fill('x.ovf', descriptor), disk]);
      await archive.fill('x.mf', Buffer.from(text));
    });
  const raw = join(folder, 'raw');
  const samples = await alternate(rounds, {
    written: () => timed(write),
    verified: () => timed(() => verified(path)),
    copied: () =>
      timed(() => execute('sh', ['-c', `sha256sum '${path}' && cp '${path}' '${raw}' && sync '${raw}'`])),
  });
  return [
    {
      what: 'a disk of 256 MiB in grains, written, digested and synced',
      unit: 's',
      samples: samples.written,
    },
    { what: 'the same compared with its manifest', unit: 's', samples: samples.verified },
    { what: 'sha256sum, cp and sync of the same', unit: 's', samples: samples.copied, reference: true },
  ];
}

const mfSize = manifestSize(['x.ovf', 'x-disk1.vmdk']);

async function verified(path: string): Promise<void> {
  await using pkg = await openPackage(path);
  const problems = await verifyManifest(pkg, ['x-disk1.vmdk']);
  if (problems.length > 0) throw new Error(JSON.stringify(problems));
}
