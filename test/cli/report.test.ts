import { lstat, readFile, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Comparison } from '../../src/report/compare.js';
import type { ReportData } from '../../src/report/data.js';
import { gva, temporaryFolder } from '../support/gva.js';
import { type TestRow, writeTestSweep } from '../report/fixture.js';

const rows: TestRow[] = [1, 2, 3].map((n) => ({ n, area: n * n, gva_total_s: n }));

/** Runs gva in a folder with the sweeps `first` and `second`. */
async function inPlace<T>(
  second: readonly TestRow[],
  work: (run: (...args: string[]) => ReturnType<typeof gva>, folder: string) => Promise<T>,
): Promise<T> {
  await using folder = await temporaryFolder();
  await writeTestSweep(join(folder.path, 'first'), { parameters: ['n'], rows });
  await writeTestSweep(join(folder.path, 'second'), { parameters: ['n'], rows: second });
  return await work((...args) => gva(args, {}, folder.path), folder.path);
}

describe('gva report', () => {
  test('writes the page, and replaces none without being told', async () => {
    await inPlace(rows, async (run, folder) => {
      expect(await run('report', 'first')).toEqual({ code: 0, stdout: 'first.html\n', stderr: '' });
      const page = await readFile(join(folder, 'first.html'), 'utf8');
      expect(page).toMatch(/^<!doctype html>[^]*<h1 id="title">first<\/h1>/);
      await writeFile(join(folder, 'first.html'), 'mine');
      const again = await run('report', 'first');
      expect(again).toMatchObject({ code: 2, stdout: '' });
      expect(again.stderr).toContain('first.html exists');
      expect(await readFile(join(folder, 'first.html'), 'utf8')).toBe('mine');
      expect((await run('report', 'first', '--force')).code).toBe(0);
      expect((await readFile(join(folder, 'first.html'), 'utf8')).length).toBeGreaterThan(10_000);
    });
  });

  test('prints its data, and then writes no page that was not asked for', async () => {
    await inPlace(rows, async (run, folder) => {
      const { code, stdout } = await run('report', 'first', '--json');
      const data = JSON.parse(stdout) as ReportData;
      expect(code).toBe(0);
      expect(data).toMatchObject({ format: 'gva-report/1', points: 3, counts: { done: 3 } });
      expect(data.columns.find(({ name }) => name === 'area')).toMatchObject({ values: [1, 4, 9] });
      expect((await readdir(folder)).sort()).toEqual(['first', 'second']);
    });
  });

  test('writes a plot', async () => {
    await inPlace(rows, async (run, folder) => {
      const args = ['report', 'first', '--svg', 'area.svg', '--x', 'n', '--y', 'area'];
      expect(await run(...args)).toEqual({ code: 0, stdout: 'area.svg\n', stderr: '' });
      expect(await readFile(join(folder, 'area.svg'), 'utf8')).toContain('3 points: area against n');
      expect((await run(...args)).code).toBe(2);
      const wrong = await run('report', 'first', '--svg', 'b.svg', '--x', 'm', '--y', 'area');
      expect(wrong).toMatchObject({ code: 2 });
      expect(wrong.stderr).toContain('there is no column m; there are point, n,');
      for (const size of ['640', '1x1', '99999x400'])
        expect((await run(...args, '--force', '--size', size)).code).toBe(2);
    });
  });

  test('says where it cannot write, before it has done any work, and leaves nothing there', async () => {
    await inPlace(rows, async (run, folder) => {
      await symlink('/dev/null', join(folder, 'nothing'));
      const said = async (file: string, option = '-o') => {
        const plot = option === '-o' ? [] : ['--x', 'n', '--y', 'area'];
        const { code, stdout, stderr } = await run('report', 'first', option, file, '--force', ...plot);
        expect(stdout).toBe('');
        return [code, stderr.replaceAll('\n', ' ').trim()];
      };
      for (const option of ['-o', '--svg']) {
        expect(await said('nowhere/a', option)).toEqual([
          69,
          'error: cannot write nowhere/a: there is no folder nowhere hint: Make it: mkdir -p nowhere',
        ]);
        expect(await said('second', option)).toEqual([
          2,
          'error: second is a folder hint: Name a file in it.',
        ]);
        expect(await said('nothing', option)).toEqual([
          2,
          expect.stringMatching(/nothing is a device or a pipe/),
        ]);
        expect(await said('first/sweep.json/a', option)).toEqual([
          69,
          'error: cannot write first/sweep.json/a: ENOTDIR: not a directory hint: Name another file: -o FILE',
        ]);
        expect(await said('a'.repeat(300), option)).toEqual([
          69,
          expect.stringMatching(/ENAMETOOLONG: name too long hint/),
        ]);
        expect((await said('', option))[0]).toBe(2);
      }
      expect((await readdir(folder)).sort()).toEqual(['first', 'nothing', 'second']);
      expect((await lstat(join(folder, 'nothing'))).isSymbolicLink()).toBe(true);
    });
  });

  test('of rows that make no sense says what there is', async () => {
    await using folder = await temporaryFolder();
    const run = (...args: string[]) => gva(args, {}, folder.path);
    const odd: TestRow[] = [
      { n: 1e308, area: -1e308, note: 'NaN', gva_total_s: -5, gva_started: '275760-09-13T00:00:00.000Z' },
      { n: -1e308, area: 1e-320, note: '</script>', gva_total_s: 1e308, gva_started: 'garbage' },
      { gva_point: 1e15, n: 'x', area: null, '</style><script>alert(1)</script>': 1 },
      { gva_point: -1, n: 4, gva_state: 'exploded', gva_total_s: 'long' },
      { gva_point: 'none', n: 5, gva_state: null },
    ];
    await writeTestSweep(join(folder.path, 'odd'), { parameters: ['n'], rows: odd, manifest: { count: 2 } });
    await writeTestSweep(join(folder.path, 'empty'), { parameters: ['n'], rows: [] });
    await writeFile(join(folder.path, 'empty/results.jsonl'), '');
    for (const name of ['odd', 'empty']) {
      expect(await run('report', name)).toEqual({ code: 0, stdout: `${name}.html\n`, stderr: '' });
      expect((await run('compare', name, name)).stdout).toContain('They are the same.');
    }
    for (const kind of ['lines', 'scatter', 'heat', 'histogram']) {
      const words = ['--kind', kind, '--x', 'n', '--y', 'area', '--colour', 'note'];
      expect(await run('report', 'odd', '--svg', `${kind}.svg`, ...words)).toMatchObject({
        code: 0,
        stderr: '',
      });
      expect(await readFile(join(folder.path, `${kind}.svg`), 'utf8')).not.toMatch(/NaN(?!<)|Infinity/);
      expect((await run('report', 'empty', '--svg', `${kind}.svg`, '--force', ...words)).code).toBe(2);
    }
  });

  test('says what is wrong', async () => {
    await inPlace(rows, async (run, folder) => {
      expect(await run('report', 'third')).toMatchObject({ code: 2 });
      await writeFile(join(folder, 'first/results.jsonl'), 'x\n');
      expect(await run('report', 'first')).toMatchObject({ code: 69 });
      await writeFile(join(folder, 'first/sweep.json'), '{}');
      expect((await run('report', 'first')).stderr).toContain('is not of a sweep');
    });
  });
});

describe('gva compare', () => {
  test('ends with 0 where two sweeps are the same', async () => {
    const outcome = await inPlace(rows.toReversed(), (run) => run('compare', 'first', 'second'));
    expect(outcome).toMatchObject({ code: 0, stderr: '' });
    expect(outcome.stdout).toContain('They are the same. 3 points are in both, 0 of them differ.');
  });

  test('ends with 1 where they differ, and tells where', async () => {
    const other = rows.map((row) => (row['n'] === 2 ? { ...row, area: 4.5 } : row));
    await inPlace(other, async (run) => {
      const { code, stdout } = await run('compare', 'first', 'second');
      expect(code).toBe(1);
      expect(stdout).toContain('They differ.');
      expect(stdout).toMatch(/^ +1 {2}n=2 +area +4 +4\.5$/m);
      const json = await run('compare', 'first', 'second', '--json');
      expect(json.code).toBe(1);
      expect(JSON.parse(json.stdout) as Comparison).toMatchObject({ equal: false, differing: 1 });
      expect((await run('compare', 'first', 'second', '--tolerance', '0.2')).code).toBe(0);
      expect((await run('compare', 'first', 'second', '--tolerance', '2')).code).toBe(2);
    });
  });

  test('ends with 2 where they cannot be compared', async () => {
    const { code, stderr } = await inPlace([...rows, { n: 1 }], (run) => run('compare', 'first', 'second'));
    expect(code).toBe(2);
    expect(stderr).toContain('several points of the second have the same n');
  });
});
