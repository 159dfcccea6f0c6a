import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Point } from '../../src/model/sweep.js';
import { checkFiles, checkLaterFiles } from '../../src/sweep/plan/check-files.js';
import { type PlanFolder, makePlanFolder } from './plan-fixture.js';

let home: PlanFolder;
beforeAll(async () => {
  home = await makePlanFolder();
  for (const name of [
    'in/0.dat',
    'in/1.dat',
    'in/2.dat',
    'a.txt',
    'b.txt',
    'n007.txt',
    'n012.txt',
    'x0.50.txt',
    '{n}.txt',
  ])
    await home.write(name, name);
});
afterAll(() => home[Symbol.asyncDispose]());

/** Names and sources of the files of each point. */
async function filesOf(text: string): Promise<string[][]> {
  const { points, files } = await home.plan(text);
  const all: string[][] = [];
  for (const point of points.points())
    all.push(
      (await files.of(point)).map(({ name, source }) => `${name} ${source.slice(home.folder.length + 1)}`),
    );
  return all;
}

describe('files of points', () => {
  test('by number and by value, beside those of all', async () => {
    const text =
      'parameters: { n: [7, 12] }\nfiles: [a.txt, "in/{index}.dat", { source: "n{n:03d}.txt", name: "sub/n={n}" }]';
    expect(await filesOf(text)).toEqual([
      ['a.txt a.txt', '0.dat in/0.dat', 'sub/n=7 n007.txt'],
      ['a.txt a.txt', '1.dat in/1.dat', 'sub/n=12 n012.txt'],
    ]);
  });

  test('a single one, without a list', async () => {
    const numbered = 'parameters: { n: [7, 12] }\nfiles: in/{index}.dat';
    expect(await filesOf(numbered)).toEqual([['0.dat in/0.dat'], ['1.dat in/1.dat']]);
    const named = 'parameters: { n: [7] }\nfiles: { source: "n{n:03d}.txt", name: in.txt }';
    expect(await filesOf(named)).toEqual([['in.txt n007.txt']]);
  });

  test('in other forms: numbers from 1, decimals, a brace', async () => {
    const text = 'parameters: { n: [7] }\nfiles: ["in/{number}.dat", "x{x:.2f}.txt", "{{n}}.txt"]';
    expect(await filesOf(text)).toEqual([['{n}.txt {n}.txt', '1.dat in/1.dat', 'x0.50.txt x0.50.txt']]);
  });

  test('have their digests, of what they are at that time', async () => {
    const { points, files } = await home
      .plan('parameters: { mode: [changing] }\nfiles: ["{mode}"]')
      .catch(async () => {
        await home.write('changing', 'before');
        return home.plan('parameters: { mode: [changing] }\nfiles: ["{mode}"]');
      });
    const [point] = points.points();
    const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
    expect(await files.of(point!)).toMatchObject([{ size: 6, sha256: sha256('before') }]);
    await home.write('changing', 'afterwards');
    expect(await files.of(point!)).toMatchObject([{ size: 10, sha256: sha256('afterwards') }]);
    await rm(join(home.folder, 'changing'));
    await expect(files.of(point!)).rejects.toMatchObject({ code: 'INPUT_FILE' });
  });

  test('make equal rows different points where they go by number', async () => {
    await home.write('same.csv', 'n\n1\n1\n1\n');
    const plan = await home.plan('table: same.csv\nfiles: ["in/{index}.dat"]');
    expect([plan.points.count, plan.notes()]).toEqual([3n, []]);
    expect((await home.plan('table: same.csv\nfiles: ["a.txt"]')).points.count).toBe(1n);
  });

  test('of plans that are joined stay with them; their numbers are those within', async () => {
    await home.write('one.yaml', 'parameters: { n: [1, 2] }\nfiles: ["in/{index}.dat", a.txt]\n');
    await home.write('two.yaml', 'parameters: { n: [1, 2] }\nfiles: ["in/{index}.dat", b.txt]\n');
    expect(await filesOf('plans: [one.yaml, two.yaml, { parameters: { n: 3 } }, one.yaml]')).toEqual([
      ['0.dat in/0.dat', 'a.txt a.txt'],
      ['1.dat in/1.dat', 'a.txt a.txt'],
      ['0.dat in/0.dat', 'b.txt b.txt'],
      ['1.dat in/1.dat', 'b.txt b.txt'],
      [],
    ]);
    const { points, files } = await home.plan('plans: [one.yaml, two.yaml]');
    const stored = JSON.parse(JSON.stringify([...points.points()][3])) as Point;
    expect((await files.of(stored)).map(({ name }) => name)).toEqual(['1.dat', 'b.txt']);
    expect(await filesOf('plans: [one.yaml]\nwhere: n == 2\nfiles: [b.txt]')).toEqual([
      ['b.txt b.txt', '1.dat in/1.dat', 'a.txt a.txt'],
    ]);
  });
});

describe('mistakes', () => {
  test('missing files of points are told all at once, up to a number', async () => {
    const told = await home.mistakes(
      'parameters: { n: { range: [1, 30] } }\nfiles: ["in/{index}.dat", "gone/{n}"]',
    );
    expect(told[0]).toBe('2:9: files.0: the files of 27 points are missing:');
    expect(told[1]).toBe('  point 3: in/3.dat: there is no such file');
    expect(told[11]).toBe('  and 17 more');
    expect(told[12]).toBe('2:27: files.1: the files of 30 points are missing:');
    expect(told).toHaveLength(24);
  });

  test('those of later points are found by looking for all', async () => {
    for (let index = 3; index < 1000; index++) await home.write(`many/${index}`, '');
    const plan = await home
      .plan('parameters: { m: { range: [3, 1005] } }\nfiles: ["many/{m}"]')
      .catch((error: unknown) => error as Error);
    expect(plan).toMatchObject({
      message: expect.stringMatching(/the files of 3 points are missing among the first 1,000:/) as unknown,
    });
    for (let index = 1000; index < 1003; index++) await home.write(`many/${index}`, '');
    const { points, files } = await home.plan('parameters: { m: { range: [3, 1005] } }\nfiles: ["many/{m}"]');
    await expect(checkFiles(points, files)).rejects.toMatchObject({
      code: 'PLAN_FILES_MISSING',
      message: expect.stringMatching(
        /^the files of 3 points are missing:\n {2}point 1000: .*many\/1003/,
      ) as unknown,
    });
  });

  test('those of later points are told as soon as some are found, and again if there are more', async () => {
    for (let index = 0; index < 1000; index++) await home.write(`later/${index}`, '');
    await home.write('later/1001', '');
    const { points, files } = await home.plan(
      'parameters: { m: { range: [0, 1003] } }\nfiles: ["later/{m}"]',
    );
    const told: string[] = [];
    const tell = (message: string) => void told.push(message.replaceAll(`${home.folder}/`, ''));
    const never = new AbortController().signal;
    await checkLaterFiles(points, files, never, tell, 0);
    expect(told.map((message) => message.split('\n')[0])).toEqual([
      'the file of 1 point is missing among the points up to 1,000; these will fail:',
      'the files of 3 points are missing; these will fail:',
    ]);
    told.length = 0;
    await checkLaterFiles(points, files, never, tell);
    expect(told[0]).toMatch(
      /^the files of 3 .*\n {2}point 1000: later\/1000.*\n {2}point 1002: .*\n {2}point 1003: /,
    );
    expect(told).toHaveLength(1);
    await checkLaterFiles(points, files, AbortSignal.abort(), tell);
    expect(told).toHaveLength(1);
  });

  test.each([
    ['files: ["{k}"]', '1:9: files.0: has {k} in it: there is {index}, {number}, {n}'],
    ['files: ["{n"]', '1:9: files.0: has a lone "{" in it: write it twice'],
    [
      'files: ["{mode:03d}"]',
      '1:9: files.0: has {mode:03d} in it: forms are {n:05d} for integers and {x:.2f} for numbers',
    ],
    ['files: ["{x:3d}"]', '1:9: files.0: has {x:3d} in it'],
    ['files: [{ source: a.txt }]', '1:9: files.0: must be a path or { source, name }'],
    ['files: [{ source: a.txt, name: b, mode: c }]', '1:35: files.0: unknown entry "mode"'],
    ['files: 3', '1:8: files: must be a path, { source, name }, or a list of them'],
    ['files: in/{k}.dat', '1:8: files: has {k} in it'],
    ['files: [a.txt, a.txt]', '1:16: files.1: file name "a.txt" is given twice'],
    ['files: [in]', '1:9: files.0: in is not a file'],
    [
      'files: ["{mode}"]\nparameters: { mode: ["../square/gva.yaml"] }',
      'files.0: the file of 1 point is missing:',
    ],
  ])('%s', async (text, expected) => {
    expect((await home.mistakes(text))[0]).toContain(expected);
  });

  test('a value that leads to another folder', async () => {
    const told = await home.mistakes('files: ["in/{mode}"]\nparameters: { mode: [../a.txt] }');
    expect(told[1]).toBe('  point 0: a value may not lead to another folder: "../a.txt" in in/../a.txt');
  });

  test('a name that a value makes impossible, at the first point', async () => {
    const text = 'parameters: { mode: [param] }\nfiles: [{ source: a.txt, name: "{mode}" }]';
    expect(await home.mistakes(text)).toEqual([
      'point 0: file name "param" is one that GVA uses on the parameter CD',
    ]);
  });
});
