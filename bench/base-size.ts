import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { deflate } from 'node:zlib';
import { loadDirectBase } from '../src/base/store.js';
import { type Benchmark, type Figure, timed } from './benchmark.js';
import { execute, gva, inTemporaryFolder } from './gva.js';

/** What the base weighs when it travels, and how long it takes to build. */
export const baseSize: Benchmark = {
  name: 'base',
  title: 'the base image micro',
  run: measure,
};

async function measure(): Promise<Figure[]> {
  const { folder, files } = await loadDirectBase('micro');
  const direct = [files.root, files.kernel, files.initrd].map(({ name }) => `'${name}'`).join(' ');
  const pack = `tar -C '${folder}' -c --sparse ${direct} | xz -6 -T0 | wc -c`;
  const { stdout } = await execute('sh', ['-c', pack]);
  const seconds = await inTemporaryFolder((data) =>
    timed(async () => {
      process.env['XDG_DATA_HOME'] = data;
      await gva('base', 'build', 'micro').finally(() => delete process.env['XDG_DATA_HOME']);
    }),
  );
  const disk = files.disk ? [await deflatedSize(join(folder, files.disk.name))] : [];
  return [
    {
      what: 'compressed (tar, xz), for direct boot',
      unit: 'MB',
      samples: [Number(stdout) / 1e6],
      target: 12,
    },
    { what: 'its disk in a package', unit: 'MB', samples: disk.map((bytes) => bytes / 1e6), target: 14 },
    { what: 'building it, packages fetched before', unit: 's', samples: [seconds], target: 60 },
  ];
}

/** Bytes of a streamOptimized VMDK but its tables: grains of 64 KiB, those of zeros left out, each deflated. */
async function deflatedSize(file: string): Promise<number> {
  const handle = await open(file, 'r');
  const grain = Buffer.alloc(64 << 10);
  const zeros = Buffer.alloc(grain.length);
  let bytes = 0;
  try {
    for (;;) {
      const { bytesRead } = await handle.read(grain, 0, grain.length);
      if (bytesRead === 0) return bytes;
      const content = grain.subarray(0, bytesRead);
      if (!content.equals(zeros.subarray(0, bytesRead))) bytes += (await promisify(deflate)(content)).length;
    }
  } finally {
    await handle.close();
  }
}
