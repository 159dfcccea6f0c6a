import { execFile } from 'node:child_process';
import { readFile, readdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { packageRoot } from '../../src/system/paths.js';
import { temporaryFolder } from '../support/gva.js';

// Every command line of gva that the documentation shows, run as it stands: blocks of `sh` that begin with gva,
// ./bin/gva, or a comment that leads to one, each document in an empty folder of its own.

const documents = [
  'README.md',
  'docs/sweeps.md',
  'docs/media.md',
  'docs/doctor.md',
  'docs/packages.md',
  'docs/plans.md',
];

function commandBlocks(text: string): string[] {
  const blocks = [...text.matchAll(/^```sh\n([^`]*)^```/gm)].map((match) => match[1] ?? '');
  return blocks.filter((block) => /^(\.\/bin\/)?gva /m.test(block) && !/^npm /m.test(block));
}

it.each(documents)('the commands of %s work as they stand', async (document) => {
  const blocks = commandBlocks(await readFile(join(packageRoot, document), 'utf8'));
  expect(blocks.length).toBeGreaterThan(0);
  await using folder = await temporaryFolder();
  await symlink(join(packageRoot, 'bin'), join(folder.path, 'bin'));
  const path = `${join(packageRoot, 'bin')}:${process.env['PATH'] ?? ''}`;
  for (const block of blocks) {
    const outcome = await new Promise<string>((resolve) => {
      const options = { cwd: folder.path, env: { ...process.env, PATH: path } };
      execFile('sh', ['-eu', '-c', block], options, (error, stdout, stderr) =>
        resolve(error ? `failed: ${error.message}\n${stdout}${stderr}` : 'worked'),
      );
    });
    expect(outcome, block).toBe('worked');
  }
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
