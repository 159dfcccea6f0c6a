import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { listChunks } from '../../src/grid/chunks.js';
import { removeAbandoned } from '../../src/instance/scratch.js';
import type { GridRecord } from '../../src/model/grid.js';
import type { SweepSummary } from '../../src/model/sweep.js';
import { packageRoot } from '../../src/system/package.js';
import { gridChunk, gridFiles, pointFolder, resultFiles } from '../../src/system/paths.js';
import { endedWith, readN, started } from '../sweep/sweep-home.js';
import { squareManifest, writeAppliance } from '../support/fake-appliance.js';
import { eventually } from '../support/gva.js';
import type { SlurmCluster } from '../support/slurm-cluster.js';
import { ok, processesOf } from './cluster-fixture.js';

export interface FaultWishes {
  readonly points: number;
  /** Points of an element. */
  readonly bundle: number;
  readonly options?: { readonly constraint?: string; readonly extra?: readonly string[] };
  /** Seconds of a job. */
  readonly time?: number;
  readonly growth?: { readonly memory: number; readonly time: number };
  /** Shell that comes before the worker; the variable `control` is the folder for files of the test. */
  readonly setup?: string;
}

/** How a client ended. */
export interface ClientEnd {
  readonly code: number | null;
  readonly summary: SweepSummary | undefined;
  /** Of its standard error. */
  readonly said: string;
}

export interface Client {
  readonly process: ChildProcess;
  readonly ended: Promise<ClientEnd>;
}

/** A sweep on a cluster whose guests are played by a shell script; each point n leaves the output `square=n*n`. */
export class FaultSweep {
  /** Everything of it is in here; processes have it in their environment. */
  readonly folder: string;
  readonly out: string;
  readonly #cluster: SlurmCluster;
  readonly #name: string;
  readonly #wishes: FaultWishes;

  private constructor(cluster: SlurmCluster, name: string, wishes: FaultWishes) {
    this.#cluster = cluster;
    this.#name = name;
    this.#wishes = wishes;
    this.folder = join(cluster.folder, 'sweeps', name);
    this.out = join(this.folder, 'out');
  }

  /** @param name of letters and digits; of one cluster, each once */
  static async make(cluster: SlurmCluster, name: string, wishes: FaultWishes): Promise<FaultSweep> {
    const sweep = new FaultSweep(cluster, name, wishes);
    await mkdir(sweep.control(''), { recursive: true });
    await writeAppliance(sweep.folder, squareManifest);
    const range = `{ range: [0, ${wishes.points - 1}] }`;
    await writeFile(sweep.#plan, `appliance: ./square\nparameters: { n: ${range} }\nkeep: files\n`);
    await writeFile(sweep.#guest, sweep.#guestScript());
    return sweep;
  }

  get #plan(): string {
    return join(this.folder, 'plan.yaml');
  }

  get #guest(): string {
    return join(this.folder, 'guest.sh');
  }

  /** A file by which the test speaks with guests and the setup. */
  control(name: string): string {
    return join(this.folder, 'control', name);
  }

  /** Guests run what is in the file of their number; whatever happens to one, what it began stays noted. */
  #guestScript(): string {
    return [
      `control='${this.control('')}'`,
      readN.trimEnd(),
      'echo "$n $GVA_NODE" >>"$control/began"',
      '[ ! -e "$control/$n" ] || . "$control/$n"',
      started,
      'd=$(dirname "$GVA_FAKE_OUTPUT")/tree && mkdir "$d" && echo "square=$((n * n))" >"$d/result.txt"',
      'PATH=$PATH:/usr/sbin:/sbin',
      'mke2fs -q -F -t ext4 -O ^has_journal -L GVA-OUT -d "$d" "$GVA_FAKE_OUTPUT" && rm -r "$d"',
      endedWith('0'),
    ].join('\n');
  }

  /** What the guests of these points do before all else. */
  async script(commands: string, ...points: readonly number[]): Promise<void> {
    for (const point of points) await writeFile(this.control(String(point)), commands);
  }

  /** The guests of these points wait until `release()`. */
  async hold(...points: readonly number[]): Promise<void> {
    await writeFile(this.control('hold'), '');
    await this.script('while [ -e "$control/hold" ]; do sleep 0.1; done\n', ...points);
  }

  async release(): Promise<void> {
    await rm(this.control('hold'));
  }

  /** Nodes on which the point was begun, in the order of beginning. */
  async nodesOf(point: number): Promise<string[]> {
    const text = await readFile(this.control('began'), 'utf8').catch(() => '');
    const lines = text.split('\n').map((line) => line.split(' '));
    return lines.flatMap(([n, node]) => (n === String(point) && node !== undefined ? [node] : []));
  }

  /** @returns the node where it was begun last */
  async untilBegun(point: number, times = 1): Promise<string> {
    let nodes: string[] = [];
    await eventually(async () => (nodes = await this.nodesOf(point)).length >= times);
    return nodes.at(-1)!;
  }

  /** The program that runs the sweep. @param env such as a PATH with other programs in it */
  start(env: Readonly<Record<string, string>> = {}): Client {
    const { setup = '', options = {}, bundle, time, growth } = this.#wishes;
    const nodes = join(this.folder, 'nodes');
    const own = [
      `control='${this.control('')}'`,
      `export GVA_NODE_CACHE='${nodes}'/$SLURMD_NODENAME/cache GVA_SCRATCH='${nodes}'/$SLURMD_NODENAME/scratch`,
      'mkdir -p "$GVA_NODE_CACHE" "$GVA_SCRATCH"',
    ];
    const settings = {
      ...{ bundle, time, growth, name: this.#name, guest: this.#guest, base: join(this.folder, 'base') },
      options: { ...options, setup: [...own, setup].join('\n') },
    };
    const program = join(packageRoot, 'test/support/fake-grid-sweep.mjs');
    const child = spawn(process.execPath, [program, this.#plan, this.out, JSON.stringify(settings)], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...this.#cluster.env, ...this.#ownFolders(), ...env },
    });
    const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
    const texts = [child.stdout, child.stderr].map((stream) => stream.setEncoding('utf8').toArray());
    return { process: child, ended: clientEnd(ended, texts as Promise<string[]>[]) };
  }

  #ownFolders(): Record<string, string> {
    const data = join(this.folder, 'user');
    return { XDG_CACHE_HOME: data, XDG_DATA_HOME: data, XDG_CONFIG_HOME: data, GVA_SCRATCH: this.folder };
  }

  /** All that workers have written down, in no certain order. */
  async records(): Promise<GridRecord[]> {
    const folder = join(this.out, gridFiles.folder, gridFiles.chunks);
    const records: GridRecord[] = [];
    for (const chunk of await readdir(folder))
      for (const name of await readdir(join(folder, chunk))) {
        if (gridFiles.elementOfRecord(name) === undefined) continue;
        const lines = (await readFile(join(folder, chunk, name), 'utf8')).trimEnd().split('\n');
        records.push(...lines.map((line) => JSON.parse(line) as GridRecord));
      }
    return records;
  }

  /** What the grid was given so far, by its arrays. */
  async chunks(): Promise<{ job: string; folder: string }[]> {
    const { next } = await listChunks(this.out);
    const chunks = [];
    for (let number = 1; number < next; number++) {
      const folder = gridChunk(this.out, number);
      const text = await readFile(join(folder, gridFiles.submitted), 'utf8').catch(() => undefined);
      if (text !== undefined) chunks.push({ folder, job: (JSON.parse(text) as { job: string }).job });
    }
    return chunks;
  }

  /** The first array, once the client has noted it. */
  async firstChunk(): Promise<{ job: string; folder: string }> {
    let chunks: { job: string; folder: string }[] = [];
    await eventually(async () => (chunks = await this.chunks()).length > 0);
    return chunks[0]!;
  }

  /** Of all its elements, as Slurm says: `1_0 RUNNING`. */
  async jobs(): Promise<string[]> {
    const queue = await ok(this.#cluster, 'squeue', ['-h', '-r', '-t', 'all', '-o', '%j %F_%K %T']);
    const own = queue.split('\n').filter((line) => line.startsWith(`gva-${this.#name}-`));
    return own.map((line) => line.split(' ').slice(1).join(' '));
  }

  /** Every point is there once, with the right output. */
  async expectWhole(): Promise<void> {
    const { points } = this.#wishes;
    const indices = Array.from({ length: points }, (_, index) => index);
    const folders = await readdir(join(this.out, 'points/0000'));
    expect(folders.sort()).toEqual(indices.map((index) => String(index).padStart(7, '0')));
    for (const n of indices) {
      const folder = pointFolder(this.out, n);
      const result = JSON.parse(await readFile(join(folder, resultFiles.result), 'utf8')) as object;
      expect(result).toMatchObject({ state: 'done', parameters: { n, mode: 'fast' } });
      expect((await readdir(folder)).sort()).toEqual([
        'console.log',
        'events.jsonl',
        'output',
        'result.json',
      ]);
      expect(await readdir(join(folder, 'output'))).toEqual(['result.txt']);
      expect(await readFile(join(folder, 'output/result.txt'), 'utf8')).toBe(`square=${n * n}\n`);
    }
    const rows = (await readFile(join(this.out, 'results.csv'), 'utf8')).trimEnd().split('\r\n').slice(1);
    expect(rows.map((row) => row.replace(/^(\d+,\d+,fast,done),.*,(\d+)$/, '$1,$2'))).toEqual(
      indices.map((n) => `${n},${n},fast,done,${n * n}`),
    );
  }

  /** No job, no process, no chunk that is waited for, no folder of an instance. */
  async expectNothingLeft(): Promise<void> {
    await eventually(async () => (await processesOf(this.folder)).length === 0);
    await eventually(async () => !(await this.jobs()).some((job) => /PENDING|RUNNING|COMPLETING/.test(job)));
    expect((await listChunks(this.out)).open).toEqual([]);
    const nodes = join(this.folder, 'nodes');
    for (const node of await readdir(nodes)) {
      const scratch = join(nodes, node, 'scratch');
      if (!existsSync(scratch)) continue;
      // What a worker that was killed has left goes when the next one begins on its node.
      await removeAbandoned(scratch);
      for (const name of await readdir(scratch)) expect(await readdir(join(scratch, name))).toEqual([]);
    }
  }

  /** The client has ended well, and everything is as if nothing had happened. */
  async expectGood(client: Client): Promise<ClientEnd> {
    const end = await client.ended;
    const counts = { pending: 0, done: this.#wishes.points, failed: 0, lost: 0 };
    expect({ ...end, counts: end.summary?.counts }, end.said).toMatchObject({ code: 0, counts });
    await this.expectWhole();
    await this.expectNothingLeft();
    return end;
  }
}

async function clientEnd(ended: Promise<number | null>, texts: Promise<string[]>[]): Promise<ClientEnd> {
  const code = await ended;
  const [stdout = '', said = ''] = (await Promise.all(texts)).map((text) => text.join(''));
  return { code, said, summary: stdout === '' ? undefined : (JSON.parse(stdout) as SweepSummary) };
}
