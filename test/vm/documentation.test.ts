import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { packageRoot } from '../../src/system/paths.js';
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
  'docs/recipes.md',
  'docs/channels.md',
  'docs/live-page.md',
];

const commandBlocks = (text: string) =>
  shellBlocks(text).filter((block) => /^(\.\/bin\/)?gva /m.test(block) && !/^npm /m.test(block));

it.each(documents)('the commands of %s work as they stand', async (document) => {
  await expectBlocksWork(commandBlocks(await readDocument(document)));
});

it('every document that a document links to is there', async () => {
  const names = [
    ...(await readdir(join(packageRoot, 'docs')))
      .filter((name) => name.endsWith('.md'))
      .map((name) => `docs/${name}`),
    'README.md',
    'CONTRIBUTING.md',
  ];
  const broken: string[] = [];
  for (const name of names) {
    const text = await readFile(join(packageRoot, name), 'utf8');
    for (const [, target = ''] of text.matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)) {
      const file = join(packageRoot, name, '..', target);
      await readFile(file).catch(() => broken.push(`${name} -> ${target}`));
    }
  }
  expect(broken).toEqual([]);
});
