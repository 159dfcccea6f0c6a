import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { packageRoot } from '../../src/system/package.js';
import { findProgram } from '../../src/system/process.js';
import { manPages } from '../../tools/man-pages.js';
import { temporaryFolder } from '../support/gva.js';

const execute = promisify(execFile);
const pages = manPages();
const page = (name: string) => new Map(pages).get(name) ?? '';
const man = await findProgram('man');
const mandoc = await findProgram('mandoc');

it('there is a page for each command that people type, with the parts of a manual page', () => {
  const names = pages.map(([name]) => name);
  expect(names).toEqual(
    expect.arrayContaining(['gva.1', 'gva-run.1', 'gva-sweep-run.1', 'gva-base-build.1']),
  );
  expect(names).not.toContain('gva-grid-spool.1');
  for (const [name, text] of pages)
    expect(
      [...text.matchAll(/^\.SH (.*)$/gm)].map(([, title]) => title),
      name,
    ).toEqual(expect.arrayContaining(['NAME', 'SYNOPSIS', 'DESCRIPTION', 'OPTIONS', 'EXAMPLES']));
});

it('package.json names all of them: npm installs what is named', async () => {
  const text = await readFile(join(packageRoot, 'package.json'), 'utf8');
  const { man: named } = JSON.parse(text) as { man: string[] };
  expect(named).toEqual(pages.map(([name]) => `./dist/man/${name}`).sort());
});

it('says what --help says: options, examples as they stand, exit status', () => {
  const text = page('gva-run.1');
  expect(text).toContain(
    '.TP\n.B \\-o, \\-\\-out <dir>\nfolder for the results (default: NAME\\-1, NAME\\-2, ...)\n',
  );
  expect(text).toContain('.SH EXAMPLES\n.nf\n  gva run square \\-\\-param n=12\n');
  expect(text).toContain('.SH EXIT STATUS\n0 all good, 1 the application failed');
  expect(text).toContain('.SH SEE ALSO\n.BR gva (1)\n');
});

it.skipIf(!man)(`man reads all of them without a complaint${man ? '' : ' (needs man)'}`, async () => {
  await using folder = await temporaryFolder();
  for (const [name, text] of pages) await writeFile(join(folder.path, name), text);
  const env = { ...process.env, MANROFFSEQ: '', MANWIDTH: '100', LC_ALL: 'C.UTF-8' };
  const words = ['--warnings', '-l', ...pages.map(([name]) => join(folder.path, name))];
  const { stdout, stderr } = await execute(man ?? '', words, { env, maxBuffer: 1 << 24 });
  expect(stderr).toBe('');
  expect(stdout.match(/^GVA\S*\(1\).*GVA\S*\(1\)$/gm)).toHaveLength(pages.length);
});

it.skipIf(!mandoc)(`mandoc finds nothing wrong${mandoc ? '' : ' (needs mandoc)'}`, async () => {
  await using folder = await temporaryFolder();
  for (const [name, text] of pages) {
    const file = join(folder.path, name);
    await writeFile(file, text);
    // Without a date: a page is of a version.
    const words = ['-T', 'lint', '-W', 'warning', file];
    const said = await execute(mandoc ?? '', words).catch((error: unknown) => error as { stdout: string });
    expect(said.stdout.split('\n').filter((line) => line !== '' && !line.includes('missing date'))).toEqual(
      [],
    );
  }
});
