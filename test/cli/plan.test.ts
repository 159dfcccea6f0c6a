import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { outlineText, pointTable } from '../../src/cli/plan-view.js';
import { type PlanOutline, outlinePlan } from '../../src/sweep/plan/plan.js';
import { gva, gvaProgram, temporaryFolder, writeAppliance } from '../support/gva.js';

let home: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  home = await temporaryFolder();
  const yaml =
    'parameters:\n  n: { type: int, default: 7 }\n  mode: { type: string, default: fast }\n  x: { type: float, default: 0.5 }\n';
  await writeAppliance(join(home.path, 'square'), { yaml, job: 'true' });
});
afterAll(() => home[Symbol.asyncDispose]());

async function write(name: string, text: string): Promise<string> {
  const path = join(home.path, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
  return path;
}

const plan = async (text: string) => write('plan.yaml', `appliance: square\n${text}`);
const outline = async (text: string): Promise<PlanOutline> => outlinePlan(await plan(text));

describe('what is shown of a plan', () => {
  test('its points, what is fixed, its files and what is to be known', async () => {
    await write('inputs/1.dat', '');
    const text = outlineText(
      await outline(
        'points: [{ n: 1 }, { n: 1 }, { mode: slow, n: 1 }]\nfiles: [plan.yaml, { source: "inputs/{n}.dat", name: in }]\n',
      ),
    );
    expect(text.replaceAll(home.path, 'HOME')).toBe(`plan       HOME/plan.yaml
appliance  test 0.0.0 (HOME/square)
points     2 (n, mode 3, some left out)
always     x=0.5
file       HOME/plan.yaml as plan.yaml
file       of each point; of the first: HOME/inputs/1.dat as in
note       1 point is there more than once, and merged
`);
  });

  test('a table that fits, with the last points; columns that do not fit are named', async () => {
    const long = await outline(
      `parameters: { n: { range: [1, 100] }, mode: ["${'long '.repeat(20)}", "\\e[31mred\\nred"], x: [0.25] }`,
    );
    const first = [...long.points.points()].slice(0, 2);
    const end = [...long.points.points(199)];
    expect(pointTable(long, first, end, 80)).toBe(`point    n  mode                                 x
    0    1  long long long long long long l…  0.25
    1    1  red red                           0.25
    …    …  …                                    …
  199  100  red red                           0.25
`);
    expect(pointTable(long, first, [], 46)).toContain('\nnot shown: x\n');
    expect(pointTable(long, first, [], 10)).toContain('\nnot shown: mode, x\n');
  });

  test('the number of points of a plan that is not counted', async () => {
    const text = outlineText(
      await outline(
        'parameters: { n: { range: [1, 1000000] }, x: { range: [1, 1000000] } }\nwhere: n != x\n',
      ),
    );
    expect(text).toContain(
      'points     at most 1,000,000,000,000 (n 1,000,000 × x 1,000,000); --count counts them\n',
    );
  });
});

describe('gva plan', () => {
  test('prints the outline and the points', async () => {
    const { code, stdout, stderr } = await gva([
      'plan',
      await plan('parameters: { n: { range: [1, 20] } }\n'),
    ]);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^points {5}20 \(n 20\)$/m);
    expect(stdout.split('\n').slice(-5)).toEqual(['    …   …', '   17  18', '   18  19', '   19  20', '']);
  });

  test('counts, and prints lines of JSON', async () => {
    const path = await plan(
      'parameters: { n: { range: [1, 300] }, x: [0, 1] }\nwhere: n % 2 == 0\nfiles: [plan.yaml]\n',
    );
    expect(await gva(['plan', path, '--count', '--check'])).toEqual({ code: 0, stdout: '300\n', stderr: '' });
    expect((await gva(['plan', path, '--count', '--json'])).stdout).toBe('{"points":300}\n');
    const lines = (await gva(['plan', path, '--json', '--head', '2'])).stdout.trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      { point: 0, parameters: { n: 2, mode: 'fast', x: 0 }, files: [{ source: path, name: 'plan.yaml' }] },
      { point: 1, parameters: { n: 2, mode: 'fast', x: 1 }, files: [{ source: path, name: 'plan.yaml' }] },
    ]);
  });

  test('reads a table, with an appliance', async () => {
    const table = await write('points.csv', 'n,mode\n1,a\n2,b\n');
    const { stdout } = await gva(['plan', table, '--appliance', join(home.path, 'square'), '--head', '1']);
    expect(stdout).toContain('point  n  mode\n    0  1  a\n');
    expect(await gva(['plan', table])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--appliance DIR') as unknown,
    });
  });

  test('tells all mistakes at once, with their places', async () => {
    const path = await plan('parameters: { n: x, k: 1 }\nwhere: n >\n');
    const { code, stderr } = await gva(['plan', path]);
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /^error: .*plan\.yaml:2:18: parameters\.n: must be an integer, not "x"\n.*:2:21: .*\n.*:3:8: where: cannot be read/,
    );
    const json = await gva(['plan', path, '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({ error: { code: 'PLAN_INVALID' } });
  });

  test('ends when its reader goes away', async () => {
    const path = await plan('parameters: { n: { range: [1, 1000000000] } }\n');
    const child = spawn(process.execPath, [gvaProgram, 'plan', path, '--json'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    await once(child.stdout, 'data');
    child.stdout.destroy();
    const [code] = (await once(child, 'exit')) as [number];
    expect(code).toBe(0);
  });

  test('is ended by a signal, even in the middle of counting', async () => {
    const path = await plan('parameters: { n: { range: [1, 1000000000] } }\nwhere: n > 1\n');
    const child = spawn(process.execPath, [gvaProgram, 'plan', path, '--count'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const stderr: string[] = [];
    child.stderr.setEncoding('utf8').on('data', (text: string) => stderr.push(text));
    const stop = setInterval(() => child.kill('SIGINT'), 500);
    const [code] = (await once(child, 'exit')) as [number];
    clearInterval(stop);
    // Null, where it came before anybody listened.
    expect([130, null]).toContain(code);
  });
});
