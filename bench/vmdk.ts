import { open, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { openRaw } from '../src/disk/source.js';
import { copyVmdkToRaw, writeVmdk } from '../src/disk/vmdk/index.js';
import { type Benchmark, type Figure, alternate, ratios, timed } from './benchmark.js';
import { execute, inTemporaryFolder } from './gva.js';

const rounds = 5;
const mebibyte = 1024 * 1024;
const contentId = '0123456789abcdef0123456789abcdef';

/** The disks of a package: written and read again, beside qemu-img. */
export const vmdk: Benchmark = {
  name: 'vmdk',
  title: 'a disk of 1 GiB, half full with files of /usr/lib, as streamOptimized VMDK',
  run: () =>
    inTemporaryFolder(async (folder) => {
      const raw = join(folder, 'raw');
      await makeHalfFull(raw, 1024);
      const less = join(folder, 'less');
      await makeHalfFull(less, 128);
      return [...(await writing(folder, raw)), ...(await reading(folder)), ...(await memory(raw, less))];
    }),
};

/** Stretches of 16 MiB, by turns of data and without. */
export async function makeHalfFull(path: string, mebibytes: number): Promise<void> {
  const file = await open(path, 'wx');
  await file.truncate(mebibytes * mebibyte);
  let written = 0;
  for await (const content of contentsOf('/usr/lib')) {
    for (let done = 0; done < content.length && written < (mebibytes / 2) * mebibyte;) {
      const length = Math.min(content.length - done, 16 * mebibyte - (written % (16 * mebibyte)));
      const at = written + Math.floor(written / (16 * mebibyte)) * 16 * mebibyte;
      await file.write(content, done, length, at);
      done += length;
      written += length;
    }
    if (written >= (mebibytes / 2) * mebibyte) break;
  }
  await file.sync();
  await file.close();
}

async function* contentsOf(folder: string): AsyncGenerator<Buffer> {
  const entries = await readdir(folder, { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* contentsOf(path);
    else if (entry.isFile()) yield await readFile(path);
  }
}

async function writing(folder: string, raw: string): Promise<Figure[]> {
  const [own, theirs] = [join(folder, 'own.vmdk'), join(folder, 'theirs.vmdk')];
  const convert = ['convert', '-f', 'raw', '-O', 'vmdk', '-o', 'subformat=streamOptimized', raw, theirs];
  const samples = await alternate(rounds, {
    own: () => timed(() => write(raw, own)),
    tool: () => intoNew(theirs, () => execute('qemu-img', convert)),
  });
  await execute('qemu-img', ['compare', '-q', '-f', 'raw', '-F', 'vmdk', raw, own]);
  const sizes = [(await stat(own)).size, (await stat(theirs)).size].map((size) => [size / 1e6]);
  const [size = [], toolSize = []] = sizes;
  return [
    { what: 'written, with its SHA-256', unit: 's', samples: samples.own },
    { what: 'written by qemu-img', unit: 's', samples: samples.tool, reference: true },
    { what: 'written, ratio', unit: 'x', samples: ratios(samples.own, samples.tool), target: 1 },
    { what: 'size of the file', unit: 'MB', samples: size },
    { what: "size of qemu-img's", unit: 'MB', samples: toolSize, reference: true },
    { what: 'size, ratio', unit: 'x', samples: ratios(size, toolSize), target: 1.03 },
  ];
}

async function write(raw: string, target: string): Promise<void> {
  const file = await open(target, 'w');
  try {
    await writeVmdk(raw, (chunk) => file.appendFile(chunk), { contentId });
  } finally {
    await file.close();
  }
}

/** Both read the file that was written before. */
async function reading(folder: string): Promise<Figure[]> {
  const [source, own, theirs] = ['own.vmdk', 'own.raw', 'theirs.raw'].map((name) => join(folder, name));
  if (source === undefined || own === undefined || theirs === undefined) throw new Error('three names');
  const samples = await alternate(rounds, {
    own: () => intoNew(own, () => copy(source, own)),
    tool: () => intoNew(theirs, () => execute('qemu-img', ['convert', '-f', 'vmdk', '-O', 'raw', source, theirs])), // prettier-ignore
  });
  return [
    { what: 'copied to a raw image, with the SHA-256 of the file', unit: 's', samples: samples.own },
    { what: 'converted by qemu-img', unit: 's', samples: samples.tool, reference: true },
    { what: 'copied, ratio', unit: 'x', samples: ratios(samples.own, samples.tool), target: 1 },
  ];
}

async function copy(source: string, target: string): Promise<void> {
  await using file = await openRaw(source);
  await copyVmdkToRaw(file, target, { digests: ['sha256'] });
}

/** Seconds of work that makes a file, which was not there before. */
async function intoNew(path: string, work: () => Promise<unknown>): Promise<number> {
  await rm(path, { force: true });
  return timed(work);
}

/** Peak resident memory, MB, of processes that do nothing else. */
async function memory(raw: string, less: string): Promise<Figure[]> {
  const writing = (path: string) =>
    `await writeVmdk(${JSON.stringify(path)}, () => Promise.resolve(), { contentId: '${contentId}' });`;
  const samples = await alternate(3, {
    large: () => peakMemory(writing(raw)),
    less: () => peakMemory(writing(less)),
    nothing: () => peakMemory(''),
  });
  const beyond = samples.large.map((value, i) => value - (samples.nothing[i] ?? NaN));
  return [
    { what: 'peak memory while 1 GiB is written', unit: 'MB', samples: samples.large },
    { what: 'peak memory beyond that of Node.js itself', unit: 'MB', samples: beyond, target: 64 },
    { what: 'peak memory, 1 GiB to 128 MiB', unit: 'x', samples: ratios(samples.large, samples.less), target: 1.2 }, // prettier-ignore
  ];
}

async function peakMemory(statement: string): Promise<number> {
  const module = JSON.stringify(new URL('../src/disk/vmdk/index.js', import.meta.url).href);
  const peakModule = JSON.stringify(new URL('./peak-memory.js', import.meta.url).href);
  const program = `
    const { writeVmdk } = await import(${module});
    ${statement}
    const { peakMegabytes } = await import(${peakModule});
    console.log(peakMegabytes());`;
  const { stdout } = await execute(process.execPath, ['--input-type=module', '-e', program]);
  return Number(stdout);
}
