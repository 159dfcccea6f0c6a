import { execFile } from 'node:child_process';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { packageRoot } from '../../src/system/package.js';
import { buildLimit } from '../support/debian-base.js';
import { temporaryFolder } from '../support/gva.js';

const execute = promisify(execFile);
const example = join(packageRoot, 'examples/alignment');

/** Name to sequence, without the gaps of an alignment. */
function sequencesOf(fasta: string): Map<string, string> {
  const [, ...entries] = fasta.split(/^>/m);
  return new Map(
    entries.map((entry) => {
      const [name = '', ...lines] = entry.split('\n');
      return [name, lines.join('').replaceAll('-', '')];
    }),
  );
}

it('the families of the example with alignments are those that its program makes', async () => {
  await using folder = await temporaryFolder();
  await execute(process.execPath, [join(example, 'make-families.mjs'), folder.path]);
  const names = (await readdir(folder.path)).sort();
  expect((await readdir(join(example, 'families'))).sort()).toEqual(names);
  for (const name of names)
    expect(await readFile(join(folder.path, name), 'utf8'), name).toBe(
      await readFile(join(example, 'families', name), 'utf8'),
    );
});

// GVA_LONG: the base and its package take minutes.
it.runIf(process.env['GVA_LONG'])(
  'the example with alignments gives each instance its own file, and tells how alike its sequences are',
  { timeout: buildLimit },
  async () => {
    await using folder = await temporaryFolder();
    const [plan, results] = [join(folder.path, 'plan.yaml'), join(folder.path, 'results')];
    const families = [`${example}/families/10-percent.fasta`, `${example}/families/60-percent.fasta`];
    await writeFile(
      plan,
      `appliance: ${example}\nparameters: { family: ${JSON.stringify(families)}, iterations: 1 }\n` +
        `files: [{ source: '{family}', name: sequences.fasta }]\n`,
    );
    const env = { ...process.env, ALIGNMENT_PLAN: plan, ALIGNMENT_RESULTS: results };
    const options = { env, timeout: buildLimit - 30_000 };
    const { stdout } = await execute('sh', [join(example, 'demo.sh'), '--vmm', 'uml'], options);
    expect(stdout).toContain(`${results}/report.html`);
    const identities: number[] = [];
    for (const [point, family] of families.entries()) {
      const output = join(results, 'points/0000', `000000${point}`, 'output');
      const aligned = await readFile(join(output, 'alignment.fasta'), 'utf8');
      expect(sequencesOf(aligned)).toEqual(sequencesOf(await readFile(family, 'utf8')));
      const [, columns, identity] =
        /^columns=(\d+)\nidentity=([\d.]+)\n$/.exec(await readFile(join(output, 'result.txt'), 'utf8')) ?? [];
      expect(Number(columns)).toBeGreaterThanOrEqual(120);
      identities.push(Number(identity));
    }
    // Of residues of which 90 % are the ancestor's, both of a pair are in 81 %; of those with 40 %, in 16 %; some more by chance.
    expect(identities[0]).toBeGreaterThan(75);
    expect(identities[1]).toBeLessThan(35);
    expect(await readFile(join(results, 'report.html'), 'utf8')).toMatch(/^<!doctype html>/);
    expect(await readFile(join(results, 'identity.svg'), 'utf8')).toContain('identity against family');
  },
);
