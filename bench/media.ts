import { existsSync } from 'node:fs';
import { mkdir, open, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parameterFiles } from '../src/appliance/parameter-files.js';
import { ext4Size, makeExt4 } from '../src/disk/ext4-image.js';
import { extractTree } from '../src/disk/extract.js';
import { isoBytes } from '../src/disk/iso9660/index.js';
import { openTree } from '../src/disk/open-tree.js';
import { findProgram } from '../src/system/process.js';
import { type Benchmark, type Figure, alternate, ratios, timed } from './benchmark.js';
import { execute, inTemporaryFolder } from './gva.js';

const rounds = 7;
const smallFiles = 2000;
const mebibyte = 1024 * 1024;

/** Writing parameter CDs and reading disks that come home, beside the tools that do the like. */
export const media: Benchmark = {
  name: 'media',
  title: 'parameter CDs, and files brought out of ext4 images',
  run: () =>
    inTemporaryFolder(async (folder) => [...(await parameterCd(folder)), ...(await extraction(folder))]),
};

/** As the CD of one point of a sweep: ten parameters. The tool starts a process and writes a file. */
async function parameterCd(folder: string): Promise<Figure[]> {
  const values = Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`parameter${n}`, n * 1.5]));
  const tree = join(folder, 'parameters');
  await mkdir(join(tree, 'param.d'), { recursive: true });
  for (const entry of parameterFiles(values, 'point-1'))
    if (entry.kind === 'file') await writeFile(join(tree, entry.path), entry.content as Uint8Array);
  const image = join(folder, 'parameters.iso');
  const tool = ['-as', 'mkisofs', '-quiet', '-R', '-J', '-V', 'OVF ENV', '-o', image, tree];
  const samples = await alternate(rounds, {
    own: () =>
      timed(() => Promise.resolve(isoBytes(parameterFiles(values, 'point-1'), { volumeId: 'OVF ENV' }))),
    xorriso: () => timed(() => execute('xorriso', tool)),
  });
  return [
    { what: 'ISO of ten parameters, in process', unit: 'ms', samples: inMs(samples.own), target: 3 },
    { what: 'the same by xorriso, a process', unit: 'ms', samples: inMs(samples.xorriso), reference: true },
  ];
}

const inMs = (seconds: readonly number[]) => seconds.map((each) => each * 1000);

async function extraction(folder: string): Promise<Figure[]> {
  const many = await imageOfSmallFiles(folder);
  const large = await imageOfOneFile(folder, 1024);
  const ofMany = await compared(folder, many);
  const ofLarge = await compared(folder, large);
  const less = await imageOfOneFile(folder, 64);
  const memory = await alternate(3, {
    large: () => peakMemory(folder, large),
    less: () => peakMemory(folder, less),
  });
  const what = { many: `${smallFiles} files of 2 KiB`, large: 'one file of 1 GiB' };
  return [
    { what: `${what.many}, extracted in process`, unit: 's', samples: ofMany.own },
    { what: `${what.many}, debugfs rdump`, unit: 's', samples: ofMany.debugfs, reference: true },
    { what: `${what.many}, ratio`, unit: 'x', samples: ratios(ofMany.own, ofMany.debugfs), target: 3 },
    { what: `${what.large}, extracted in process`, unit: 's', samples: ofLarge.own },
    { what: `${what.large}, debugfs rdump`, unit: 's', samples: ofLarge.debugfs, reference: true },
    { what: `${what.large}, ratio`, unit: 'x', samples: ratios(ofLarge.own, ofLarge.debugfs), target: 1.5 },
    { what: 'peak memory, a file of 1 GiB', unit: 'MB', samples: memory.large },
    { what: 'peak memory, a file of 64 MiB', unit: 'MB', samples: memory.less },
    { what: 'peak memory, ratio', unit: 'x', samples: ratios(memory.large, memory.less), target: 1.2 },
  ];
}

async function imageOfSmallFiles(folder: string): Promise<string> {
  const tree = join(folder, 'many');
  for (let n = 0; n < smallFiles; n++) {
    const part = join(tree, `part ${n % 20}`);
    await mkdir(part, { recursive: true });
    await writeFile(join(part, `file ${n}`), `${n} `.repeat(400).slice(0, 2048));
  }
  return image(tree, smallFiles + 20, smallFiles * 4096);
}

async function imageOfOneFile(folder: string, mebibytes: number): Promise<string> {
  const tree = join(folder, `large-${mebibytes}`);
  await mkdir(tree);
  const file = await open(join(tree, 'file'), 'wx');
  const block = Buffer.alloc(mebibyte, 'no zeros, which would be holes; ');
  for (let n = 0; n < mebibytes; n++) await file.write(block);
  await file.close();
  return image(tree, 1, mebibytes * mebibyte);
}

async function image(tree: string, entries: number, bytes: number): Promise<string> {
  const path = `${tree}.img`;
  await makeExt4(path, { label: 'BENCH', from: tree, ...ext4Size(entries, bytes, mebibyte) });
  await rm(tree, { recursive: true });
  return path;
}

/** Seconds of our extraction and of the tool's, which is only right for images that one trusts. */
async function compared(folder: string, path: string): Promise<{ own: number[]; debugfs: number[] }> {
  const debugfs = (await findProgram('debugfs')) ?? 'debugfs';
  const target = join(folder, 'target');
  const intoNew = async (work: () => Promise<unknown>): Promise<number> => {
    await mkdir(target);
    const seconds = await timed(work);
    await rm(target, { recursive: true });
    return seconds;
  };
  return alternate(rounds, {
    own: () => intoNew(() => extract(path, target)),
    debugfs: () => intoNew(() => execute(debugfs, ['-R', `rdump / "${target}"`, path])),
  });
}

async function extract(path: string, target: string): Promise<void> {
  await using opened = await openTree(path);
  const { complete } = await extractTree(opened.tree, target);
  if (!complete || !existsSync(target)) throw new Error(`${path} was not extracted`);
}

/** Peak resident memory, MB, of a process that does nothing else. */
async function peakMemory(folder: string, path: string): Promise<number> {
  const target = join(folder, 'target');
  const module = (name: string) => JSON.stringify(new URL(`../src/disk/${name}.js`, import.meta.url).href);
  const peakModule = JSON.stringify(new URL('./peak-memory.js', import.meta.url).href);
  const program = `
    const { openTree } = await import(${module('open-tree')});
    const { extractTree } = await import(${module('extract')});
    const { tree } = await openTree(${JSON.stringify(path)});
    await extractTree(tree, ${JSON.stringify(target)});
    const { peakMegabytes } = await import(${peakModule});
    console.log(peakMegabytes());
    process.exit();`;
  const { stdout } = await execute(process.execPath, ['--input-type=module', '-e', program]);
  await rm(target, { recursive: true });
  return Number(stdout);
}
