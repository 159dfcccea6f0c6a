import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseCsv } from '../../examples/mandelbrot/csv.mjs';
import { listChunks } from '../../src/grid/chunks.js';
import { digestFile } from '../../src/system/files.js';
import { removeAbandoned } from '../../src/instance/scratch.js';
import { gridChunk, gridFiles, pointFolder } from '../../src/system/paths.js';
import { buildProgram, example } from '../examples/mandelbrot-program.js';
import { type Outcome, eventually, gva, temporaryFolder, writeAppliance } from '../support/gva.js';
import { needsSlurm, withoutSlurm } from '../support/slurm-cluster.js';
import { ok, processesOf } from './cluster-fixture.js';
import { withSharedCluster } from './with-cluster.js';

// Real guests, as jobs of a real Slurm. GVA_LONG: as many as the project promises.
const [points, bundle, seconds] = process.env['GVA_LONG'] ? [200, 10, 3600] : [6, 2, 280];
/** As many instances at once as the cluster runs. */
const slots = '6';

describe.skipIf(withoutSlurm)(`real guests on Slurm${needsSlurm}`, () => {
  const { cluster } = withSharedCluster();
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let env: Record<string, string>;

  beforeAll(async () => {
    folder = await temporaryFolder();
    const config = join(folder.path, 'config/gva');
    const nodes = join(folder.path, 'nodes');
    await mkdir(config, { recursive: true });
    await writeFile(
      join(config, 'config.yaml'),
      [
        'grid:',
        '  setup: |',
        `    export GVA_NODE_CACHE='${nodes}'/$SLURMD_NODENAME/cache GVA_SCRATCH='${nodes}'/$SLURMD_NODENAME/scratch`,
        '    mkdir -p "$GVA_NODE_CACHE" "$GVA_SCRATCH"',
      ].join('\n'),
    );
    env = {
      ...{ ...cluster().env, GVA_SCRATCH: folder.path, XDG_RUNTIME_DIR: folder.path },
      XDG_CONFIG_HOME: join(folder.path, 'config'),
    };
    await writeAppliance(join(folder.path, 'a'), {
      yaml: 'parameters: { n: { type: int } }\noutput: { size: 1M }\n',
      // Longer than a moment where a test asks for it.
      job: 'echo "square=$(($1 * $1))" >result.txt; [ $1 -lt 1000 ] || sleep 4000',
    });
  });
  afterAll(() => folder[Symbol.asyncDispose]());

  const run = (...args: string[]): Promise<Outcome> => gva(['sweep', ...args], env, folder.path, seconds);

  async function writePlan(name: string, range: string): Promise<string> {
    await writeFile(
      join(folder.path, name),
      `appliance: ./a\nparameters: { n: { range: [${range}] } }\nkeep: files\n`,
    );
    return name;
  }

  /** Files of the outputs of all points, by their paths, with their digests. */
  async function outputsOf(out: string, count: number): Promise<Record<string, string>> {
    const digests: Record<string, string> = {};
    for (let point = 0; point < count; point++) {
      const output = join(pointFolder(join(folder.path, out), point), 'output');
      for (const entry of await readdir(output, { recursive: true, withFileTypes: true })) {
        const file = join(entry.parentPath, entry.name);
        digests[file.slice(join(folder.path, out).length)] = entry.isFile()
          ? await digestFile(file)
          : 'folder';
      }
    }
    return digests;
  }

  /** The table, without what depends on how the points were run. */
  async function tableOf(out: string): Promise<{ header: string; rows: Record<string, string>[] }> {
    const text = await readFile(join(folder.path, out, 'results.csv'), 'utf8');
    const rows = parseCsv(text).map((row) =>
      Object.fromEntries(Object.entries(row).filter(([name]) => !/^gva_(.*_s|started|attempts)$/.test(name))),
    );
    return { header: text.slice(0, text.indexOf('\r\n')), rows };
  }

  const resultFolders = (out: string) => readdir(join(folder.path, out, 'points/0000'));

  const common = ['--vmm', 'uml', '--no-cache'];

  /** @returns folder of the sweep on the grid */
  async function expectSame(
    name: string,
    plan: string,
    { count, perJob, answer }: { count: number; perJob: number; answer: string },
  ): Promise<string> {
    const [here, there] = [`${name}-here`, `${name}-there`];
    const local = await run('run', plan, '--out', here, '-j', slots, ...common);
    expect(local.code, local.stderr).toBe(0);
    const grid = ['--grid', 'slurm', '--bundle', String(perJob)];
    const remote = await run('run', plan, '--out', there, ...grid, ...common);
    expect(remote.code, remote.stderr).toBe(0);
    const outputs = await outputsOf(there, count);
    expect(outputs).toEqual(await outputsOf(here, count));
    expect(Object.keys(outputs).filter((file) => file.endsWith(`/output/${answer}`))).toHaveLength(count);
    const table = await tableOf(there);
    expect(table).toEqual(await tableOf(here));
    expect(table.rows).toHaveLength(count);
    expect((await resultFolders(there)).sort()).toEqual((await resultFolders(here)).sort());
    await expectNothingLeft(there);
    return there;
  }

  async function expectNothingLeft(out: string): Promise<void> {
    const sweep = join(folder.path, out);
    await eventually(async () => (await processesOf(sweep)).length === 0);
    await eventually(async () => (await ok(cluster(), 'squeue', ['-h'])) === '');
    expect((await listChunks(sweep)).open).toEqual([]);
    for (const node of await readdir(join(folder.path, 'nodes'))) {
      const scratch = join(folder.path, 'nodes', node, 'scratch');
      // A worker that could not end before it was killed leaves what the next one on its node removes.
      await removeAbandoned(scratch);
      expect(await readdir(scratch)).toEqual([]);
    }
  }

  it.runIf(process.env['GVA_LONG'])('the Mandelbrot set, byte for byte as on this host', async () => {
    await buildProgram();
    const wanted = { count: 8, perJob: 2, answer: 'rows.bin' };
    await expectSame('mandelbrot', join(example, 'plan.yaml'), wanted);
  });

  it(`a sweep of ${points} guests, the same as on this host`, { timeout: 7_200_000 }, async () => {
    const plan = await writePlan('many.yaml', `1, ${points}`);
    const wanted = { count: points, perJob: bundle, answer: 'result.txt' };
    const there = await expectSame('many', plan, wanted);
    const { rows } = await tableOf(there);
    expect(rows.map(({ square }) => square)).toEqual(
      Array.from({ length: points }, (_, index) => String((index + 1) ** 2)),
    );
  });

  it('left alone: the jobs go on, and who looks sees what has become of them', async () => {
    const plan = await writePlan('left.yaml', '1, 4');
    const command = ['run', plan, '--out', 'left', '--grid', 'slurm', '--bundle', '2', ...common];
    const { code, stderr } = await run(...command, '--detach');
    expect(code, stderr).toBe(0);
    const status = async () => {
      const { stdout } = await run('status', 'left', '--json');
      return JSON.parse(stdout) as { counts: { done: number }; state: string };
    };
    await eventually(async () => (await status()).counts.done === 4);
    expect(await status()).toMatchObject({ state: 'finished' });
    const again = await run(...command);
    expect(again.code, again.stderr).toBe(0);
    expect((await tableOf('left')).rows.map(({ square }) => square)).toEqual(['1', '4', '9', '16']);
    expect(await ok(cluster(), 'squeue', ['-h', '-r', '-t', 'all', '-n', await arrayName('left')])).toMatch(
      /^.*\n.*\n$/,
    );
    await expectNothingLeft('left');
  });

  it('left alone: watched to its end, and cancelled, by who finds no client', async () => {
    const options = ['--grid', 'slurm', '--bundle', '1', '--detach', ...common];
    const plan = await writePlan('watched.yaml', '1, 2');
    const left = await run('run', plan, '--out', 'watched', ...options);
    expect(left.code, left.stderr).toBe(0);
    const watched = await run('watch', 'watched', '--json');
    expect(watched.code, watched.stderr).toBe(0);
    expect(watched.stdout).toContain('"event":"end"');
    expect((await tableOf('watched')).rows.map(({ square }) => square)).toEqual(['1', '4']);
    await expectNothingLeft('watched');

    const endless = await run(
      ...['run', await writePlan('lonely.yaml', '1000, 1009'), '--out', 'lonely', ...options],
    );
    expect(endless.code, endless.stderr).toBe(0);
    await eventually(async () => (await ok(cluster(), 'squeue', ['-h', '-r', '-t', 'R'])) !== '');
    const { code, stderr } = await run('cancel', 'lonely', '--wait', '10m');
    expect(code, stderr).toBe(0);
    await expectNothingLeft('lonely');
    const status = JSON.parse((await run('status', 'lonely', '--json')).stdout) as object;
    expect(status).toMatchObject({ state: 'stopped', reason: 'it was cancelled', counts: { done: 0 } });
    expect(await resultFolders('lonely').catch(() => [])).toEqual([]);
  });

  it('cancelled from another process: jobs that run and jobs that wait are ended', async () => {
    const plan = await writePlan('endless.yaml', '1000, 1009');
    const command = ['run', plan, '--out', 'endless', '--grid', 'slurm', '--bundle', '1', ...common];
    const client = run(...command);
    const running = async () =>
      (await ok(cluster(), 'squeue', ['-h', '-r', '-t', 'R'])).split('\n').length > 3;
    await eventually(running);
    const { code, stderr } = await run('cancel', 'endless', '--wait', '10m');
    expect(code, stderr).toBe(0);
    expect((await client).stderr).toContain('cancelled');
    expect(await resultFolders('endless').catch(() => [])).toEqual([]);
    await expectNothingLeft('endless');
  });

  async function arrayName(out: string): Promise<string> {
    const array = join(gridChunk(join(folder.path, out), 1), gridFiles.array);
    return (JSON.parse(await readFile(array, 'utf8')) as { name: string }).name;
  }
});
