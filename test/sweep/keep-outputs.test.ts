import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sweep as sweepCommand } from '../cli/sweep-command-fixture.js';
import { readPlan } from '../../src/sweep/plan/plan.js';
import { gatherFolder } from '../../src/sweep/results/gather-folder.js';
import { readKeptHead } from '../../src/sweep/results/kept.js';
import { rebuildSweep } from '../../src/sweep/rebuild.js';
import { readSavedRun } from '../../src/sweep/observe/saved-options.js';
import { pointFolder } from '../../src/system/paths.js';
import { CountingDriver } from '../support/counting-driver.js';
import { writeSweep } from './observe-fixture.js';
import { SweepHome, endedWith, leaving, readN, started } from './sweep-home.js';

let home: SweepHome;
let out: string;
beforeEach(async () => {
  home = await SweepHome.make();
  out = home.out;
});
afterEach(() => home[Symbol.asyncDispose]());

/** A guest that computes n * n, and says so. */
const squares = `${readN}${started}${leaving(
  'echo "{\\"area\\": $((n * n))}" >result.json; mkdir .gva; echo "the square of $n" >.gva/50-autorun.stdout',
)}${endedWith('0')}`;
const driver = () => new CountingDriver({ script: squares });

/** What is in the folder of a point, without what all forms have. */
const keptIn = async (index: number, folder = out) =>
  (await readdir(pointFolder(folder, index)))
    .filter((name) => !['console.log', 'events.jsonl', 'result.json'].includes(name))
    .sort();
/** The data column of each row. */
const areas = async () =>
  (await readFile(join(out, 'results.jsonl'), 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { area: unknown }).area);
const resultOf = async (index: number) =>
  JSON.parse(await readFile(join(pointFolder(out, index), 'result.json'), 'utf8')) as {
    output: { files: number; bytes: number; findings: { code: string }[] } | null;
  };

const forms = [
  ['files', 'output'],
  ['archive', 'output.tar'],
  ['image', 'output.img'],
] as const;

describe.each(forms)('with outputs kept as %s', (keep, name) => {
  test('a point has that and nothing else; table, logs and rebuild are the same', async () => {
    const { summary } = await home.sweep({ keep, driver: driver() });
    expect(summary.counts).toMatchObject({ done: 4 });
    for (const index of [0, 1, 2, 3]) expect(await keptIn(index)).toEqual([name]);
    expect(await areas()).toEqual([1, 4, 9, 16]);
    expect((await resultOf(2)).output).toMatchObject({ files: 2, bytes: 28 });
    expect((await sweepCommand(['logs', out, '2'])).stdout).toBe('the square of 3\n');
    expect(await readdir(home.scratch)).toEqual([]);
    await rm(join(out, 'results.jsonl'));
    expect(await rebuildSweep(out, new AbortController().signal)).toBe(4);
    await rm(join(out, 'results.csv'));
    expect((await home.sweep({ keep })).ran).toEqual([]);
    expect(await areas()).toEqual([1, 4, 9, 16]);
  });

  test('another sweep takes them as they are, whatever it would keep itself', async () => {
    await home.sweep({ keep, driver: driver(), shared: true });
    const other = join(home.folder, 'other');
    const { ran, summary } = await home.sweep({ keep: 'files', shared: true, out: other });
    expect([ran, summary.counts.done]).toEqual([[], 4]);
    expect(await keptIn(3, other)).toEqual([name]);
    expect(await readFile(join(other, 'results.csv'), 'utf8')).toMatch(/,16\r\n$/);
  });

  test('a later run that keeps otherwise leaves what is done', async () => {
    const plan = await home.plan('  n: [1, 2]\n');
    await home.sweep({ keep, plan, driver: driver() });
    const other = keep === 'archive' ? 'image' : 'archive';
    const { ran } = await home.sweep({ keep: other, driver: driver() });
    expect(ran).toEqual([2, 3]);
    expect(await keptIn(0)).toEqual([name]);
    expect(await keptIn(2)).toEqual([other === 'image' ? 'output.img' : 'output.tar']);
    expect(await areas()).toEqual([1, 4, 9, 16]);
  });

  test('what failed is kept so, too, and a disk that cannot be read is lost', async () => {
    const broken = `[ $n = 2 ] && : >"$GVA_FAKE_OUTPUT" && truncate -s 1M "$GVA_FAKE_OUTPUT"\n`;
    const script = `${readN}${started}${leaving('echo x >x')}${broken}${endedWith('$((n == 1 ? 7 : 0))')}`;
    const plan = await home.plan('  n: [1, 2]\n');
    const { summary } = await home.sweep({ keep, plan, driver: new CountingDriver({ script }) });
    expect(summary.counts).toMatchObject({ failed: 1, lost: 1 });
    expect(await keptIn(0)).toEqual([name]);
    expect(await keptIn(1)).toEqual([]);
    expect(await readFile(join(out, 'results.csv'), 'utf8')).toContain(',lost,output-unreadable,');
  });
});

test('an archive has the files, and an image is sparse, as the guest left it', async () => {
  const plan = await home.plan('  n: 5\n');
  await home.sweep({ keep: 'archive', plan, driver: driver() });
  const tar = join(pointFolder(out, 0), 'output.tar');
  expect(execFileSync('tar', ['-xOf', tar, './result.json']).toString()).toBe('{"area": 25}\n');
  await home.sweep({ keep: 'image', plan, force: true, driver: driver() });
  expect(existsSync(tar)).toBe(false);
  const image = await stat(join(pointFolder(out, 0), 'output.img'));
  expect(image.size).toBe(1 << 20);
  expect(image.blocks * 512).toBeLessThan(image.size);
});

describe.each(['files', 'archive'] as const)(
  'an output that is more than can be brought out, kept as %s',
  (keep) => {
    /** Below more folders than are entered. */
    const bottom = `${'d/'.repeat(103)}bottom`;
    const deep = `mkdir -p ${bottom.replace('/bottom', '')}; echo found >${bottom}; echo '{"area": 9}' >result.json`;
    const script = `${readN}${started}${leaving(deep)}${endedWith('0')}`;

    test('has its disk beside what was, which readers look at', async () => {
      const plan = await home.plan('  n: 3\n');
      const { summary } = await home.sweep({ keep, plan, driver: new CountingDriver({ script }) });
      expect(summary.counts).toMatchObject({ done: 1 });
      expect(await keptIn(0)).toEqual(['output', 'output.img']);
      const [kept, depth, ...others] = (await resultOf(0)).output?.findings ?? [];
      expect([kept?.code, depth?.code, others]).toEqual(['DISK_KEPT', 'LIMIT_DEPTH', []]);
      expect(await readKeptHead(pointFolder(out, 0), bottom, 100)).toEqual(Buffer.from('found\n'));
      expect(await areas()).toEqual([9]);
      expect(await readdir(home.scratch)).toEqual([]);
    });

    test('is not gathered in part', async () => {
      const plan = await home.plan('  n: 3\n');
      await home.sweep({ keep, plan, driver: new CountingDriver({ script }) });
      const gathered = gatherFolder(out, join(home.folder, 'gathered'), [0], new AbortController().signal);
      await expect(gathered).rejects.toMatchObject({ code: 'GATHER_TOO_MUCH' });
    });
  },
);

test('the disks stay beside what is kept, where both are asked for', async () => {
  await home.sweep({ keep: 'image', keepDisks: true, plan: await home.plan('  n: 5\n') });
  expect(await keptIn(0)).toEqual(['instance', 'output.img']);
});

describe('what is kept', () => {
  const mistakeIn = (more: string) =>
    home.plan('  n: 1\n', more).then(
      () => undefined,
      (error: unknown) => (error as Error).message.replaceAll(/^.*plan\.yaml:/gm, ''),
    );

  test('is said by the plan', async () => {
    expect((await home.plan('  n: 1\n')).keep).toBeUndefined();
    expect((await home.plan('  n: 1\n', 'keep: archive\n')).keep).toBe('archive');
    expect((await home.plan('  n: 1\n', 'collect-every: 10m\n')).collectEvery).toBe(600);
    await expect(home.plan('  n: 1\n', 'collect-every: often\n')).rejects.toThrow(/collect-every.*duration/);
  });

  test.each(['zip', '', '[files]', 'true'])('is told with its place where it is %j', async (kind) => {
    expect(await mistakeIn(`keep: ${kind}\n`)).toBe('4:7: keep: must be one of files, archive, image');
  });

  test('is told beside other mistakes, also without an appliance', async () => {
    await rm(join(home.folder, 'square'), { recursive: true });
    expect((await mistakeIn('keep: zip\n'))?.split('\n')).toHaveLength(2);
  });

  test('of a joined plan does not count, and that is said', async () => {
    const first = join(home.folder, 'first.yaml');
    await writeFile(first, 'appliance: ./square\nparameters: { n: [1, 2] }\nkeep: image\n');
    const joined = join(home.folder, 'joined.yaml');
    await writeFile(joined, 'appliance: ./square\nplans: [first.yaml]\n');
    const plan = await readPlan(joined);
    expect(plan.keep).toBeUndefined();
    expect(plan.notes().join()).toMatch(/keep of .*first\.yaml does not count: it is joined/);
  });
});

test('saved options of earlier versions had the disks under another name', async () => {
  const words = { name: 'x', vmm: 'auto', bootTimeout: '2m' };
  const later = { cache: true, start: 'auto', pool: 'auto' };
  const saved = async (options: object) => {
    const plan = { file: '/plan.yaml', text: '' };
    const folder = await writeSweep(join(home.folder, 'saved'), {
      'sweep.json': { format: 'gva-sweep/1', plan, options: { ...words, ...options } },
    });
    return (await readSavedRun(folder))?.options;
  };
  expect(await saved({ keep: true })).toEqual({ ...words, ...later, keepDisks: true });
  expect(await saved({ keep: 'image' })).toEqual({ ...words, ...later, keep: 'image' });
  expect(await saved({})).toEqual({ ...words, ...later });
  await expect(saved({ keep: 'zip' })).rejects.toMatchObject({ code: 'SWEEP_UNREADABLE' });
});
