import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, readdir, rename, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { instanceIdentity } from '../../src/instance/identity.js';
import type { GridElement, GridPoint, GridRecord, GridWork } from '../../src/model/grid.js';
import { digestFile, digestText } from '../../src/system/files.js';
import { packageRoot } from '../../src/system/package.js';
import { gridFiles, gridImage, pointFolder } from '../../src/system/paths.js';
import { type TestHome, fakeBase, makeAppliance } from '../support/fake-appliance.js';

/** A sweep's folder as its coordinator would have made it, with what nodes have besides. */
export interface TestGrid {
  readonly sweep: string;
  readonly chunk: string;
  /** Where the user of this node has images. */
  readonly node: string;
  readonly work: GridWork;
  /** Bytes of all images. */
  readonly bytes: number;
  /** Writes the file of an element; gives its path. */
  element(points: readonly number[], changes?: Partial<GridElement>): Promise<string>;
}

export async function makeGrid(home: TestHome, changes: Partial<GridWork> = {}): Promise<TestGrid> {
  const sweep = join(home.folder, 'sweep');
  await mkdir(join(sweep, gridFiles.folder, gridFiles.images), { recursive: true });
  const [root, kernel, initrd, app] = await Promise.all(
    [3e6, 1e6, 5e5, 2e6].map((size) => image(sweep, size)),
  );
  const { appliance } = await makeAppliance(home.folder);
  const base = { ...fakeBase() };
  const files = { root: root!, kernel: kernel!, initrd: initrd! };
  const work: GridWork = {
    ...{ format: 'gva-grid-work/1', gva: '0', appliance, digest: 'a'.repeat(64) },
    base: { name: base.name, digest: base.digest },
    machine: { kind: 'contract', base: { ...base, files }, app: app!, outputOn: 'disk' },
    ...{
      vmm: 'fake',
      limits: { boot: 600, powerOff: 600 },
      start: 'cold',
      keep: 'files',
      keepDisks: false,
      nodeCache: 2 ** 30,
    },
    ...changes,
  };
  return writeGrid(home.folder, sweep, work, 6_500_000);
}

/** The folder has the images already. */
export async function writeGrid(
  node: string,
  sweep: string,
  work: GridWork,
  bytes: number,
): Promise<TestGrid> {
  const chunk = join(sweep, gridFiles.folder, gridFiles.chunks, 'C0001');
  await mkdir(chunk, { recursive: true });
  const text = JSON.stringify(work);
  const name = gridFiles.work(digestText(text));
  await writeFile(join(sweep, gridFiles.folder, name), text);
  let elements = 0;
  return {
    ...{ sweep, chunk, work, node: join(node, `gva-${process.getuid?.() ?? 0}`), bytes },
    element: async (points, more = {}) => {
      const file = join(chunk, gridFiles.element(elements++));
      const element: GridElement = {
        ...{ format: 'gva-grid-element/1', work: name, points: points.map((index) => pointOf(work, index)) },
        ...more,
      };
      await writeFile(file, JSON.stringify(element));
      return file;
    },
  };
}

/** Half of it is zeros. */
async function image(sweep: string, size: number) {
  const file = join(sweep, `image-${size}`);
  await writeFile(file, randomBytes(size / 2));
  await truncate(file, size);
  const sha256 = await digestFile(file);
  await rename(file, gridImage(sweep, sha256));
  return { name: 'image', size, sha256 };
}

/** Its parameter n is its number. */
export function pointOf(
  { digest, base }: GridWork,
  index: number,
  files: GridPoint['files'] = [],
  attempt = 1,
): GridPoint {
  const parameters = { n: index, mode: 'fast' };
  const identity = instanceIdentity(digest, base.digest, parameters, files);
  return { index, attempt, identity, parameters, files };
}

export interface Worker {
  readonly process: ChildProcess;
  /** What it has said by now. */
  readonly said: () => string;
  readonly ended: Promise<number | null>;
}

export const fakeWorker = join(packageRoot, 'test/support/fake-worker.mjs');

export function startWorker(home: TestHome, spec: string, env: Record<string, string> = {}): Worker {
  const child = spawn(process.execPath, [fakeWorker, spec], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, GVA_NODE_CACHE: home.folder, GVA_JOB: '7_0', GVA_NODE: 'n1', ...env },
  });
  // A test that fails leaves nothing that runs.
  onTestFinished(() => void child.kill('SIGKILL'));
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.on('close', (code) => resolve(code)));
  return { process: child, said: () => said, ended };
}

export async function runWorker(home: TestHome, spec: string, env: Record<string, string> = {}) {
  const worker = startWorker(home, spec, env);
  const code = await worker.ended;
  return { code, said: worker.said() };
}

/** The record that a job has left of an element. */
export async function recordOf(spec: string, job = '7_0'): Promise<GridRecord[]> {
  const text = await readFile(spec.replace(/\.json$/, `-${job}.jsonl`), 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as GridRecord);
}

/** The kinds of its lines, and the points that they are of. */
export const shortly = (records: readonly GridRecord[]) =>
  records.map((line) => ('point' in line ? `${line.record} ${line.point}` : line.record));

export const resultOf = async (sweep: string, index: number) =>
  JSON.parse(await readFile(join(pointFolder(sweep, index), 'result.json'), 'utf8')) as Record<
    string,
    unknown
  >;

/** Names among the points, temporary ones too. */
export const pointNames = async (sweep: string) =>
  (await readdir(join(sweep, 'points/0000')).catch(() => [])).sort();
