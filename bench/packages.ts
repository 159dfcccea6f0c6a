import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { writeVmdk } from '../src/disk/vmdk/index.js';
import { writeOva } from '../src/ovf/tar/writer.js';
import { packageRoot } from '../src/system/package.js';
import { type Benchmark, type Figure, alternate, ratios, timed } from './benchmark.js';
import { execute, gva, inTemporaryFolder } from './gva.js';
import { makeHalfFull } from './vmdk.js';

const rounds = 5;
const contentId = '0123456789abcdef0123456789abcdef';

/** Whole packages: what they weigh, and how long it takes to make one and to look at it. */
export const packages: Benchmark = {
  name: 'packages',
  title: 'packages',
  run: () =>
    inTemporaryFolder(async (folder) => [...(await mandelbrot(folder)), ...(await largeDisk(folder))]),
};

async function mandelbrot(folder: string): Promise<Figure[]> {
  const example = join(packageRoot, 'examples/mandelbrot');
  await execute('sh', [join(example, 'build.sh')]);
  const [whole, thin] = [join(folder, 'whole.ova'), join(folder, 'thin.ova')];
  const pack = (...args: string[]) => timed(() => gva('pack', example, '--force', ...args));
  await pack('-o', thin, '--thin');
  const samples = await alternate(rounds, {
    packed: () => pack('-o', whole),
    inspected: () => timed(() => gva('inspect', whole)),
  });
  const megabytes = async (file: string) => [(await stat(file)).size / 1e6];
  return [
    { what: 'Mandelbrot packed', unit: 'MB', samples: await megabytes(whole), target: 15 },
    { what: 'Mandelbrot packed thin', unit: 'MB', samples: await megabytes(thin), target: 0.2 },
    { what: 'gva pack of it', unit: 's', samples: samples.packed },
    { what: 'gva inspect of it', unit: 's', samples: samples.inspected, target: 0.3 },
  ];
}

/** The disk of 1 GiB, half full, into a package; against qemu-img and tar. */
async function largeDisk(folder: string): Promise<Figure[]> {
  const raw = join(folder, 'raw');
  await makeHalfFull(raw, 1024);
  const [own, vmdk, theirs] = [join(folder, 'own.ova'), join(folder, 'x.vmdk'), join(folder, 'theirs.ova')];
  const write = () =>
    writeOva(own, async (ova) => {
      await ova.stream('x.vmdk', async (append) => {
        await writeVmdk(raw, append, { contentId });
      });
    });
  const tools = async () => {
    await execute('qemu-img', [
      ...['convert', '-f', 'raw', '-O', 'vmdk', '-o', 'subformat=streamOptimized', raw, vmdk],
    ]);
    await execute('tar', ['-cf', theirs, '-C', folder, 'x.vmdk']);
  };
  const timedNew = async (file: string, work: () => Promise<unknown>) => {
    await Promise.all([file, vmdk].map((each) => rm(each, { force: true })));
    return timed(work);
  };
  const samples = await alternate(rounds, {
    own: () => timedNew(own, write),
    tools: () => timedNew(theirs, tools),
  });
  return [
    { what: 'a disk of 1 GiB, half full, packed', unit: 's', samples: samples.own },
    { what: 'the same by qemu-img convert and tar', unit: 's', samples: samples.tools, reference: true },
    {
      what: 'the one against the other',
      unit: 'x',
      samples: ratios(samples.own, samples.tools),
      target: 1,
    },
  ];
}
