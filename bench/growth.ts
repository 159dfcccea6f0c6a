import { mkdir, rm, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { makeBlankDisk } from '../src/disk/blank-disk.js';
import { ext4Size, makeExt4 } from '../src/disk/ext4-image.js';
import { extractTree } from '../src/disk/extract.js';
import { openTree } from '../src/disk/open-tree.js';
import { type Benchmark, type Figure, timed } from './benchmark.js';
import { bareKernels } from './cold-start.js';
import { runPoints, writePlan } from './coordinator-sweep.js';
import { writeEmptyAppliance } from './empty-appliance.js';
import { execute, gva, inTemporaryFolder } from './gva.js';

const rounds = 3;
const mebibyte = 1 << 20;

/** How costs grow, each beside what the machine itself takes for the least that must be done. */
export const growth: Benchmark = {
  name: 'growth',
  title: 'how costs grow with points, size of disks, files, memory, and instances at once',
  run: () =>
    inTemporaryFolder(async (folder) => [
      ...(await series('points', [1000, 3000, 10_000, 30_000], (n) => points(folder, n), 1)),
      ...(await series('size of the output disk, MiB', [16, 64, 256, 1024, 4096], (n) => disk(folder, n))),
      ...(await series('files of 2 KiB', [100, 1000, 10_000], (n) => files(folder, n))),
      ...(await series("guest's memory, MiB", [128, 256, 512, 1024], (n) => memory(folder, n))),
      ...(await series('instances at once', [1, 2, 4, 8], (n) => atOnce(folder, n), 2)),
    ]),
};

/** Seconds. */
interface Cost {
  readonly own: number;
  /** The least that there is to do, without GVA. */
  readonly limit: number;
}

/** Each size in turn, round by round; one round before is not counted where there are several. */
async function series(
  name: string,
  sizes: readonly number[],
  measure: (size: number) => Promise<Cost>,
  times = rounds,
): Promise<Figure[]> {
  const costs = new Map(sizes.map((size) => [size, [] as Cost[]]));
  for (let round = times > 1 ? -1 : 0; round < times; round++)
    for (const [size, taken] of costs) {
      const cost = await measure(size);
      if (round >= 0) taken.push(cost);
    }
  return [...costs].flatMap(([at, taken]): Figure[] => [
    {
      ...{ what: `${name}: ${at}`, unit: 's', growth: { series: name, at } },
      samples: taken.map(({ own }) => own),
    },
    {
      ...{ what: `${name}: ${at}, the limit`, unit: 's', growth: { series: name, at, limit: true } },
      ...{ samples: taken.map(({ limit }) => limit), reference: true },
    },
  ]);
}

/** Processor time of the coordinator; the limit: a folder and a file for each point, written by the same Node.js. */
async function points(folder: string, count: number): Promise<Cost> {
  const out = join(folder, 'points');
  const { cpuMs } = await runPoints(await writePlan(folder, count), out);
  await rm(out, { recursive: true });
  const start = process.cpuUsage();
  await writeTree(out, count, 100);
  const { user, system } = process.cpuUsage(start);
  await rm(out, { recursive: true });
  return { own: cpuMs / 1000, limit: (user + system) / 1e6 };
}

async function writeTree(folder: string, count: number, bytes: number): Promise<void> {
  const content = 'x'.repeat(bytes);
  for (let n = 0; n < count; n++) {
    const each = join(folder, String(Math.floor(n / 1000)), String(n));
    await mkdir(each, { recursive: true });
    await writeFile(join(each, 'file'), content);
  }
}

/** The limit: a process that does nothing. */
async function disk(folder: string, mebibytes: number): Promise<Cost> {
  const path = join(folder, 'blank');
  const own = await timed(() => makeBlankDisk(path, 'GVA-OUT', mebibytes * mebibyte));
  await rm(path);
  return { own, limit: await timed(() => execute('true')) };
}

/** The limit: as many files written from memory. */
async function files(folder: string, count: number): Promise<Cost> {
  const [tree, image, target] = ['tree', 'image', 'target'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  await mkdir(tree);
  const limit = await timed(() => writeTree(tree, count, 2048));
  await makeExt4(image, { label: 'BENCH', from: tree, ...ext4Size(3 * count, count * 8192, 4 * mebibyte) });
  const own = await timed(async () => {
    await using opened = await openTree(image);
    const { complete } = await extractTree(opened.tree, target);
    if (!complete) throw new Error('not all files were extracted');
  });
  for (const each of [tree, image, target]) await rm(each, { recursive: true });
  return { own, limit };
}

/** The limit: the kernel alone, to power-off. */
async function memory(folder: string, mebibytes: number): Promise<Cost> {
  const appliance = join(folder, `memory-${mebibytes}`);
  await mkdir(join(appliance, 'app'), { recursive: true });
  const manifest = `name: memory\nrun: "true"\nhardware: { memory: ${mebibytes}M }\n`;
  await writeFile(join(appliance, 'gva.yaml'), manifest);
  const out = join(folder, 'memory-out');
  const own = await timed(() => gva('run', appliance, '--vmm', 'uml', '--out', out, '--force'));
  const { uml } = await bareKernels(folder, `${mebibytes}M`);
  return { own, limit: await uml() };
}

/** For each of sixteen; the limit: the kernel alone, on as many processors as there are. */
async function atOnce(folder: string, jobs: number): Promise<Cost> {
  const count = 16;
  const { plan } = await writeEmptyAppliance(folder, count);
  const out = join(folder, 'at-once');
  const words = ['--vmm', 'uml', '--no-cache', '-j', String(jobs), '--out', out, '--json'];
  const seconds = await timed(() => gva('sweep', 'run', plan, ...words));
  await rm(out, { recursive: true });
  return {
    own: seconds / count,
    limit: (await (await bareKernels(folder)).uml()) / Math.min(jobs, availableParallelism()),
  };
}
