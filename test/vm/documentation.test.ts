import { readFile, readdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { packageRoot } from '../../src/system/package.js';
import { findProgram } from '../../src/system/process.js';
import { expectBlocksWork, readDocument, shellBlocks } from '../support/documentation.js';

// Every command line of gva that the documentation shows, run as it stands: blocks of `sh` that begin with gva,
// ./bin/gva, or a comment that leads to one, each document in an empty folder of its own. Those of docs/grid.md need
// a grid: test/slurm/documentation.test.ts.

const documents = [
  'README.md',
  'docs/sweeps.md',
  'docs/media.md',
  'docs/doctor.md',
  'docs/packages.md',
  'docs/plans.md',
  'docs/reports.md',
  'docs/bases.md',
  'docs/recipes.md',
  'docs/channels.md',
  'docs/json.md',
  'docs/library.md',
  'docs/live-page.md',
];

/** Of these, every block. */
const lessons = [
  'docs/tutorial.md',
  'docs/checkpoints.md',
  'docs/warm-starts.md',
  'docs/how-to/csv.md',
  'docs/how-to/resume.md',
  'docs/how-to/virtualbox-vmware.md',
];

/** The same; what they need, and why they are not run each time. */
const heavy = [
  { document: 'docs/how-to/fortran.md', needs: 'gfortran' },
  { document: 'docs/how-to/python.md', long: 'builds a Debian with NumPy' },
  { document: 'docs/how-to/r.md', long: 'builds a Debian with R' },
  { document: 'docs/how-to/own-image.md', long: 'boots a disk by firmware, again and again' },
];

const commandBlocks = (text: string) =>
  shellBlocks(text).filter((block) => /^(\.\/bin\/)?gva /m.test(block) && !/^npm /m.test(block));

it.each(documents)('the commands of %s work as they stand', async (document) => {
  await expectBlocksWork(commandBlocks(await readDocument(document)));
});

async function everyBlockWorks(document: string): Promise<void> {
  const text = await readDocument(document);
  const blocks = shellBlocks(text);
  // A block that the pattern does not see would not be run.
  expect(blocks).toHaveLength(text.split('```sh').length - 1);
  await expectBlocksWork(blocks);
}

it.each(lessons)('every command of %s works as it stands', everyBlockWorks);

for (const { document, needs, long } of heavy) {
  const missing = needs !== undefined && (await findProgram(needs)) === undefined;
  const skipped = missing
    ? ` (needs ${needs})`
    : long && !process.env['GVA_LONG']
      ? ` (GVA_LONG: ${long})`
      : '';
  it.skipIf(skipped !== '')(
    `every command of ${document} works as it stands${skipped}`,
    () => everyBlockWorks(document),
    3_600_000,
  );
}

const pagesIn = async (folder: string) =>
  (await readdir(join(packageRoot, folder)))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name));

const pages = async () => [
  ...(await pagesIn('docs')),
  ...(await pagesIn('docs/how-to')),
  ...['README.md', 'CONTRIBUTING.md'],
];

const linksOf = (text: string) =>
  [...text.matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)].map(([, target = '']) => target);

it('every document that a document links to is there', async () => {
  const broken: string[] = [];
  for (const name of await pages()) {
    const text = await readFile(join(packageRoot, name), 'utf8');
    for (const target of linksOf(text)) {
      const file = join(packageRoot, name, '..', target);
      await readFile(file).catch(() => broken.push(`${name} -> ${target}`));
    }
  }
  expect(broken).toEqual([]);
});

/** Commands that are shown without the data that they need, or that change the machine: where the like of them are run. */
const runElsewhere: Readonly<Record<string, readonly string[]>> = {
  'docs/bases.md': [
    'test/vm/base.test.ts',
    'test/vm/debian-base.test.ts',
    'test/vm/oci.test.ts',
    'test/vm/adopt.test.ts',
  ],
  'docs/installing.md': ['test/vm/package.test.ts'],
};

it('no document shows a command that nobody runs: indented, or in a block without a language', async () => {
  const unseen: string[] = [];
  for (const name of await pages()) {
    const text = await readFile(join(packageRoot, name), 'utf8');
    const others = text.replaceAll(/^```[a-z]+\n[^]*?^```$/gm, '');
    const shown = [...others.matchAll(/^ *(?:\.\/bin\/)?(?:gva|npm) [a-z].*/gm)].map(([line]) => line);
    if (!(name in runElsewhere)) unseen.push(...shown.map((line) => `${name}: ${line}`));
  }
  expect(unseen).toEqual([]);
  for (const test of Object.values(runElsewhere).flat()) await readFile(join(packageRoot, test));
});

it('docs/README.md leads to every page', async () => {
  const index = join(packageRoot, 'docs/README.md');
  const linked = linksOf(await readFile(index, 'utf8')).map((target) => resolve(dirname(index), target));
  const all = [...(await pagesIn('docs')), ...(await pagesIn('docs/how-to'))].map((name) =>
    join(packageRoot, name),
  );
  expect(all.filter((page) => page !== index && !linked.includes(page))).toEqual([]);
});
