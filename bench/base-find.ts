import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findEntries, explainUnmatched } from '../src/base/choose.js';
import type { BaseRequirements } from '../src/model/base-wish.js';
import { baseFiles, baseFolder } from '../src/system/paths.js';
import { type Benchmark, type Figure, alternate, timed } from './benchmark.js';
import { gva, inTemporaryFolder } from './gva.js';

const bases = 10_000;
const packagesOfEach = 60;

/** Ten thousand bases of sixty packages each: which has three of them? */
export const baseFind: Benchmark = {
  name: 'base-find',
  title: `finding one of ${bases} base images`,
  run: measure,
};

async function measure(): Promise<Figure[]> {
  return await inTemporaryFolder(async (data) => {
    const before = process.env['XDG_DATA_HOME'];
    process.env['XDG_DATA_HOME'] = data;
    try {
      for (let number = 0; number < bases; number++) writeBase(number);
      return await figures();
    } finally {
      if (before === undefined) delete process.env['XDG_DATA_HOME'];
      else process.env['XDG_DATA_HOME'] = before;
    }
  });
}

async function figures(): Promise<Figure[]> {
  const say = (text: string) => console.error(text);
  // What has changed within two seconds may yet change unseen.
  await new Promise((resolve) => setTimeout(resolve, 2500));
  const find = async (requirements: BaseRequirements, limit: number) => {
    await findEntries(requirements, limit, say);
  };
  const built = await timed(() => find({ os: 'linux' }, 1));
  const wish: BaseRequirements = {
    ...{ os: 'linux', arch: 'x86_64' },
    packages: [
      { name: 'common-1' },
      { name: 'common-2', relation: '>=', version: '1.50' },
      { name: 'rare-77' },
    ],
  };
  const none: BaseRequirements = { ...wish, packages: [{ name: 'common-1' }, { name: 'nowhere' }] };
  const samples = await alternate(11, {
    best: ms(() => find(wish, 1)),
    all: ms(() => find(wish, -1)),
    none: ms(() => explainUnmatched(none, say)),
    command: ms(() => gva('base', 'find', ...words)),
  });
  return [
    { what: 'the best, three packages, one with a version', unit: 'ms', samples: samples.best, target: 50 },
    { what: 'all 1,600 that have them', unit: 'ms', samples: samples.all, target: 50 },
    { what: 'what the nearest lack, where none has all', unit: 'ms', samples: samples.none, target: 50 },
    { what: 'gva base find of all, as a process', unit: 'ms', samples: samples.command },
    { what: 'making the catalogue anew', unit: 's', samples: [built] },
  ];
}

const ms = (work: () => Promise<unknown>) => async () => (await timed(work)) * 1000;

const words = [
  '--os',
  'linux',
  '--package',
  'common-1',
  '--package',
  'common-2>=1.50',
  '--package',
  'rare-77',
];

/** Half of the packages are in all bases, in a hundred versions; the others in one of a hundred. */
function writeBase(number: number): void {
  const name = `base-${number}`;
  const digest = number.toString(16).padStart(64, '0').split('').reverse().join('');
  const folder = join(baseFolder(name), digest.slice(0, 16));
  mkdirSync(folder, { recursive: true });
  const packages = Object.fromEntries(
    Array.from({ length: packagesOfEach }, (_, index) =>
      index < packagesOfEach / 2
        ? [`common-${index}`, `1.${(number + index) % 100}`]
        : [`rare-${(number + index * 7) % 100}`, '1.0-1'],
    ),
  );
  const file = (each: string) => ({ name: each, size: 0, sha256: '0'.repeat(64) });
  const { root, kernel, initrd } = baseFiles;
  for (const each of [root, kernel, initrd]) writeFileSync(join(folder, each), '');
  const manifest = {
    ...{ format: 1, contract: 1, os: 'linux', arch: 'x86_64', name, digest, inputs: '', packages },
    ...{ description: 'none', kernelRelease: '6.1', builtAt: new Date(number * 1000).toISOString() },
    files: { root: file(root), kernel: file(kernel), initrd: file(initrd) },
  };
  writeFileSync(join(folder, baseFiles.manifest), JSON.stringify(manifest));
  symlinkSync(digest.slice(0, 16), join(baseFolder(name), 'current'));
}
