import { mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parseCsv } from '../../examples/mandelbrot/csv.mjs';
import { colourOf, joinStrips, readStrips } from '../../examples/mandelbrot/picture.mjs';
import { pointFolder } from '../../src/system/paths.js';
import { buildProgram, computeRows, example, expectPicture, runFile } from './mandelbrot-program.js';

let folder: string;
let program: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gva test-'));
  program = join(folder, 'mandelbrot');
  await buildProgram(program);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The iteration counts straight from the definition, z' = z^2 + c. */
function referenceCounts(): Uint8Array {
  const counts = new Uint8Array(1600 * 800);
  for (let row = 0; row < 800; row++)
    for (let column = 0; column < 1600; column++) {
      const c = { re: -0.75 + (column - 799.5) * 0.003, im: (399.5 - row) * 0.003 };
      let z = { re: 0, im: 0 };
      let count = 0;
      for (; count < 100 && z.re * z.re + z.im * z.im <= 4; count++)
        z = { re: z.re * z.re - z.im * z.im + c.re, im: z.re * z.im + z.re * z.im + c.im };
      counts[row * 1600 + column] = count;
    }
  return counts;
}

describe('the program', () => {
  it('computes the same bytes every time', async () => {
    const rows = await computeRows(program, 300, 100, folder);
    expect(rows.length).toBe(160_000);
    expect(rows.equals(await computeRows(program, 300, 100, folder))).toBe(true);
  });

  it('is static, for a base without a C library', async () => {
    const elf = await readFile(program);
    const headers = Array.from(
      { length: elf.readUInt16LE(56) },
      (_, i) => Number(elf.readBigUInt64LE(32)) + 56 * i,
    );
    const interpreter = 3; // PT_INTERP: the dynamic loader
    expect(headers.map((offset) => elf.readUInt32LE(offset))).not.toContain(interpreter);
    expect((await stat(program)).mode & 0o111).toBe(0o111);
  });

  it.each([
    [[], 'usage: mandelbrot FIRST_ROW ROW_COUNT OUTFILE'],
    [['1x', '10', 'rows.bin'], 'FIRST_ROW must be a whole number from 0 to 799: 1x'],
    [['800', '1', 'rows.bin'], 'FIRST_ROW must be a whole number from 0 to 799: 800'],
    [['750', '51', 'rows.bin'], 'ROW_COUNT must be a whole number from 1 to 50: 51'],
    [['0', '0', 'rows.bin'], 'ROW_COUNT must be a whole number from 1 to 800: 0'],
  ])('refuses %j', async (words, message) => {
    const run = runFile(program, words, { cwd: folder });
    await expect(run).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining(message) as string });
    expect(await readdir(folder)).not.toContain('rows.bin');
  });

  it.each([
    ['/dev/full', 'cannot write /dev/full: No space left on device'],
    ['/no/such/rows.bin', 'cannot write /no/such/rows.bin: No such file or directory'],
  ])('says that it cannot write %s', async (file, message) => {
    const run = runFile(program, ['0', '1', file]);
    await expect(run).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining(message) as string });
  });
});

describe('build.sh', () => {
  it('leaves a program alone that is newer than its source', async () => {
    const { mtimeMs } = await stat(program);
    await buildProgram(program);
    expect((await stat(program)).mtimeMs).toBe(mtimeMs);
  });

  it('names the packages where there is no compiler, and leaves nothing behind', async () => {
    const env = { ...process.env, CC: 'no-such-cc' };
    const run = runFile('sh', [join(example, 'build.sh'), join(folder, 'new')], { env });
    await expect(run).rejects.toMatchObject({
      code: 69,
      stderr: expect.stringContaining('apt-get install gcc musl-tools') as string,
    });
    expect(await readdir(folder)).not.toContain('new');
    expect((await readdir(example)).filter((name) => name.startsWith('.mandelbrot'))).toEqual([]);
  });
});

it('maps the counts to colours, and the set to black', () => {
  const colours = Array.from({ length: 99 }, (_, index) => colourOf(index + 1));
  for (const value of colours.flat()) expect(value).toSatisfy((v: number) => v >= 0 && v <= 255);
  expect(new Set(colours.map(String)).size).toBe(99);
  expect(colourOf(100)).toEqual([0, 0, 0]);
});

describe('a finished sweep', () => {
  let sweep: string;
  beforeEach(async () => {
    sweep = await mkdtemp(join(folder, 'sweep-'));
    for (let strip = 0; strip < 8; strip++) await layOut(strip);
    await writeTable();
  });

  const point = (strip: number) => pointFolder(sweep, strip);
  const rows = (strip: number) => join(point(strip), 'output/rows.bin');

  /** The folder of an instance; they start 0.3 s after each other and take 0.5 s. */
  async function layOut(strip: number): Promise<void> {
    await mkdir(join(point(strip), 'output'), { recursive: true });
    await writeFile(rows(strip), await computeRows(program, strip * 100, 100, folder));
    const result = {
      vmm: { name: 'uml', version: '6.1.176', accelerator: 'native' },
      startedAt: new Date(1e12 + strip * 300).toISOString(),
      times: { collected: 0.5 },
    };
    await writeFile(join(point(strip), 'result.json'), JSON.stringify(result));
  }

  /** results.csv, with other lines for some of the strips. */
  async function writeTable(changed: Readonly<Record<number, string | undefined>> = {}): Promise<void> {
    const names = 'gva_point,first,count,gva_state,gva_cause,gva_status';
    const times = 'gva_boot_s,gva_script_s,gva_shutdown_s,gva_other_s,gva_total_s,gva_folder';
    const line = (strip: number) =>
      `${strip},${strip * 100},100,done,"",0,0.2${strip},0.05,0.02,0.01,0.3${strip},"${relative(sweep, point(strip))}"`;
    const lines = [0, 1, 2, 3, 4, 5, 6, 7].map((strip) => (strip in changed ? changed[strip] : line(strip)));
    const present = [`${names},${times}`, ...lines.filter((one) => one !== undefined)];
    await writeFile(join(sweep, 'results.csv'), present.map((one) => `${one}\r\n`).join(''));
  }

  const picture = () => join(sweep, 'mandelbrot.png');
  const joinSweep = () => runFile(process.execPath, [join(example, 'join.mjs'), sweep, picture()]);

  async function expectError(message: string): Promise<void> {
    const run = joinSweep();
    await expect(run).rejects.toMatchObject({ code: 1 });
    await expect(run).rejects.toHaveProperty('stderr', expect.stringMatching(/^join\.mjs: [^\n]*\n$/));
    await expect(run).rejects.toThrow(message);
    expect((await readdir(sweep)).filter((name) => name.startsWith('mandelbrot'))).toEqual([]);
  }

  it('is joined into the picture of the set', async () => {
    await joinSweep();
    await expectPicture(picture(), referenceCounts());
    expect((await readdir(sweep)).sort()).toEqual(['mandelbrot.png', 'points', 'results.csv']);
  });

  it('is refused with a missing strip', async () => {
    await writeTable({ 3: undefined });
    await expectError('rows 300 to 399 are missing');
  });

  it('is refused with a strip of the wrong size', async () => {
    await writeFile(rows(3), Buffer.alloc(159_999));
    await expectError(`${rows(3)} has 159999 bytes; 100 rows of 1600 points are 160000`);
  });

  it('is refused with an instance without rows', async () => {
    await rm(rows(3));
    await expectError(`${rows(3)} cannot be read`);
  });

  it.each([
    ['3,300,100,lost,timeout,,,,,,,points/0000/0000003', 'the instance is lost (timeout)'],
    ['3,300,100,pending,,,,,,,,', 'the instance is pending'],
  ])('is refused with an instance that is not done: %s', async (line, message) => {
    await writeTable({ 3: line });
    await expectError(`rows 300 to 399 are not done: ${message}`);
  });

  it('is refused without a table', async () => {
    await rm(join(sweep, 'results.csv'));
    await expectError(`there are no results of a sweep in ${sweep}`);
  });

  it('is refused with rows that are there twice, too many or too few', async () => {
    const strips = await readStrips(sweep);
    const again = { first: 750, count: 50, counts: Buffer.alloc(50 * 1600) };
    expect(() => joinStrips([...strips, again])).toThrow('rows 750 to 799 are there twice');
    expect(() => joinStrips([...strips, { ...again, first: 800 }])).toThrow('the strips have 850');
    expect(() => joinStrips(strips.slice(0, 7))).toThrow('rows 700 to 799 are missing');
    expect(() => joinStrips([...strips.slice(0, 7), { ...again, first: 701 }])).toThrow('row 700 is missing');
  });

  const showTimes = () => runFile(process.execPath, [join(example, 'times.mjs'), sweep, program, folder]);

  it('has its times shown beside the native ones', async () => {
    const { stdout } = await showTimes();
    expect(stdout).toContain('8 virtual machines, 2 at a time');
    expect(stdout).toContain('uml 6.1.176 (native)');
    expect(stdout).toMatch(/^300-399 +0\.230 +0\.050 +0\.020 +0\.010 +0\.330 +\d\.\d{3}$/m);
    expect(stdout).toMatch(/^application: .* 0\.400 s$/m);
    expect(stdout).toMatch(/^the whole sweep, .* 2\.600 s$/m);
  });

  it('has no times to compare where the rows are not the native ones', async () => {
    await writeFile(rows(3), Buffer.alloc(160_000));
    await expect(showTimes()).rejects.toThrow("times.mjs: the guest's rows from 300 on are not those");
  });
});

it('reads a table with quotes', () => {
  expect(parseCsv('a,b,c\r\n,"x ""y"", z",\r\n')).toEqual([{ a: '', b: 'x "y", z', c: '' }]);
});
