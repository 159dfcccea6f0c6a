import { execFileSync } from 'node:child_process';
import { lstat, mkdir, readFile, readdir, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { isDeepStrictEqual as isEqual } from 'node:util';
import { beforeAll, expect, test, vi } from 'vitest';
import { digestFile } from '../../src/system/files.js';
import { packageRoot } from '../../src/system/package.js';
import { publishTestBase } from '../support/bases.js';
import { squareManifest, writeAppliance } from '../support/fake-appliance.js';
import { faultLayer } from '../support/fault-layer.js';
import {
  asksForMore,
  type Fault,
  type FaultPlace,
  type FaultyRun,
  chosenKinds,
  chosenOperations,
  dropUnsynced,
  endedByLibsql,
  runWithFault,
} from '../support/faults.js';
import { gvaProgram, noneLeft, temporaryFolder } from '../support/gva.js';
import { installFakeBase } from '../support/packages.js';

// Every file operation of a command that makes files is made to fail in turn, and the same command is given again. GVA_LONG:
// each one; else some. One alone: GVA_FAULT=EIO:117 npx vitest run --project vm test/fault/command-file-operations.test.ts

/** Seconds of a faulty command, at most. */
const patience = 60;
const points = 3;

interface Command {
  readonly words: readonly string[];
  /** What it makes, or what it removes. */
  readonly target: string;
  /** What may stand there after a failure, other than all of it: nothing, whole files of it, or parts of files. */
  readonly half: 'nothing' | 'files' | 'any';
  /** It replaces nothing that is there. */
  readonly once?: true;
  /** What it says in the end. */
  readonly says?: RegExp;
}

const making = (words: string, half: Command['half'] = 'nothing') =>
  ({ words: words.split(' '), target: 'new', half, once: true }) as const;
const replacing = (words: string, target: string) =>
  ({ words: [...words.split(' '), '-o', target, '--force'], target, half: 'nothing' }) as const;

const commands: Readonly<Record<string, Command>> = {
  init: making('init new'),
  pack: replacing('pack square', 'new.ova'),
  unpack: making('unpack square.ova new'),
  convert: making('convert square.ova new --to raw', 'files'),
  extract: making('extract disk.img new', 'any'),
  report: replacing('report out', 'new.html'),
  'sweep results': replacing('sweep results out --format parquet', 'new.parquet'),
  'sweep rebuild': {
    words: ['sweep', 'rebuild', 'out'],
    target: 'out/results.csv',
    half: 'nothing',
    says: new RegExp(`anew from ${points} results`),
  },
  'sweep rm': { words: ['sweep', 'rm', 'out', '--force'], target: 'out', half: 'files' },
  'base export': replacing('base export other', 'new.gva-base'),
  'base import': {
    words: ['base', 'import', 'other.gva-base', '--name', 'new'],
    target: 'data/gva/bases/new',
    half: 'files',
  },
  'base rm': {
    words: ['base', 'rm', 'other', '--force', '--yes'],
    target: 'data/gva/bases/other',
    half: 'files',
  },
};

const built = faultLayer();
/** A folder with all that the commands are given; copied for each fault. */
let model: string;

beforeAll(async () => {
  model = join(built.folder, 'model');
  await mkdir(join(model, 'scratch'), { recursive: true });
  await mkdir(join(model, 'tmp'));
  vi.stubEnv('XDG_DATA_HOME', join(model, 'data'));
  vi.stubEnv('XDG_CACHE_HOME', join(model, 'cache'));
  await installFakeBase();
  await publishTestBase('other');
  await writeFile(
    join(await writeAppliance(model, squareManifest), 'app/table'),
    Buffer.alloc(300_000, 'table\n'),
  );
  await mkdir(join(model, 'files/deep'), { recursive: true });
  await writeFile(join(model, 'files/deep/file'), Buffer.alloc(500_000, 'file\n'));
  await symlink('deep/file', join(model, 'files/link'));
  execFileSync('mke2fs', ['-q', '-t', 'ext4', '-d', join(model, 'files'), join(model, 'disk.img'), '4M']);
  await writeFile(
    join(model, 'plan.yaml'),
    `appliance: ./square\nkeep: archive\nparameters: { n: { range: [1, ${points}] } }\n`,
  );
  const ran = await run(model, [join(packageRoot, 'test/support/fake-sweep.mjs'), 'plan.yaml', 'out']);
  expect(ran, ran.stderr).toMatchObject({ code: 0 });
  for (const words of ['pack square -o square.ova', 'base export other -o other.gva-base']) {
    const made = await run(model, [gvaProgram, ...words.split(' ')]);
    expect(made, made.stderr).toMatchObject({ code: 0 });
  }
  return () => vi.unstubAllEnvs();
});

const none: Fault = { kind: 'SHORT', at: 0 };

function run(root: string, args: readonly string[], fault = none): Promise<FaultyRun> {
  const env = {
    ...{
      XDG_CACHE_HOME: join(root, 'cache'),
      XDG_DATA_HOME: join(root, 'data'),
      XDG_CONFIG_HOME: join(root, 'config'),
    },
    ...{ GVA_SCRATCH: join(root, 'scratch'), TMPDIR: join(root, 'tmp'), NO_COLOR: '1' },
  };
  return runWithFault(args, fault, placeOf(root), { env, seconds: patience, cwd: root });
}

const placeOf = (root: string): FaultPlace => ({
  ...{ shim: built.shim, root, state: `${root}-state`, log: `${root}-log` },
});

/** What is there: the digests of files by their names, and the names of folders and links. */
async function contentOf(path: string): Promise<Readonly<Record<string, string>>> {
  const info = await lstat(path).catch(() => undefined);
  if (!info) return {};
  if (info.isFile()) return { file: await digestOf(path) };
  const found: Record<string, string> = { '.': 'folder' };
  for (const entry of await readdir(path, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name);
    found[relative(path, file)] = entry.isFile()
      ? await digestOf(file)
      : entry.isSymbolicLink()
        ? `link to ${await readlink(file)}`
        : 'folder';
  }
  return found;
}

async function digestOf(file: string): Promise<string> {
  // These say when they were made.
  if (file.endsWith('.html')) return (await readFile(file, 'utf8')).slice(-'</html>\n'.length);
  if (file.endsWith('base.json')) return (await readFile(file, 'utf8')).replace(/"at": "[^"]*"/, '');
  return digestFile(file);
}

const hasAny = (content: object) => Object.keys(content).some((name) => name !== '.');

const withoutHidden = (content: object) =>
  Object.fromEntries(Object.entries(content).filter(([name]) => name === '.' || !/(?:^|\/)\./.test(name)));

/** What has a hidden name is the command's own to remove. */
async function removeVisible(path: string): Promise<void> {
  const names = (await isFolder(path)) ? await readdir(path) : [];
  for (const name of names) if (!name.startsWith('.')) await rm(join(path, name), { recursive: true });
  if (names.every((name) => !name.startsWith('.'))) await rm(path, { recursive: true, force: true });
}

const isFolder = async (path: string) => (await lstat(path).catch(() => undefined))?.isDirectory() === true;

/** A copy of the model. */
async function copyModel(): Promise<{ path: string } & AsyncDisposable> {
  const folder = await temporaryFolder();
  const path = join(folder.path, 'root');
  execFileSync('cp', ['-a', model, path]);
  return { path, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

async function expectNothingLeft(root: string): Promise<void> {
  const all = await readdir(root, { recursive: true });
  expect(all.filter((name) => /\.tmp$|\.aside|^(?:tmp|scratch)\//.test(name))).toEqual([]);
  await noneLeft(root);
}

/** @param whole what there is after a run that nothing was in the way of */
async function survive(
  { words, target, half, once, says = /^/ }: Command,
  whole: object,
  fault: Fault,
): Promise<void> {
  await using folder = await copyModel();
  const root = folder.path;
  const before = await contentOf(join(root, target));
  const faulty = await run(root, [gvaProgram, ...words], fault);
  const told = `${faulty.faults.join('; ')}: ${faulty.code ?? faulty.signal ?? '?'} ${faulty.stderr}`;
  expect(faulty.endless, told).toBe(false);
  expect(faulty.stderr, told).not.toMatch(/\n\s+at /);
  if (fault.kind === 'CUT') {
    expect(faulty.signal, told).toBe('SIGKILL');
    await noneLeft(root);
    await dropUnsynced(placeOf(root), fault.at);
  } else if (!endedByLibsql(faulty)) expect([0, 1, 2, 69], told).toContain(faulty.code);
  const there = await contentOf(join(root, target));
  if (faulty.code === 0) expect(there, told).toEqual(whole);
  else if (half === 'nothing' && !isEqual(there, whole)) expect(there, told).toEqual(before);
  else if (half === 'files') expect({ ...before, ...whole }, told).toMatchObject(withoutHidden(there));
  if (once) await removeVisible(join(root, target));
  const again = await run(root, [gvaProgram, ...words]);
  // Of what was removed, an empty folder may be left, of which nobody knows any more what it was.
  if (hasAny(whole) || hasAny(there)) {
    expect(again.code, `${told}, then ${again.stderr}`).toBe(0);
    expect(again.stderr).toMatch(says);
    expect(await contentOf(join(root, target)), told).toEqual(whole);
  } else expect([0, 2], told).toContain(again.code);
  try {
    await expectNothingLeft(root);
  } catch (error) {
    throw new Error(told, { cause: error });
  }
}

/** Of four runs each has others; all are chosen where more than the usual was asked for. */
const turn = Math.floor(Math.random() * 4);
/** Each kind with a quarter of the commands. */
const isChosen = (command: number, kind: number) => asksForMore || (command + kind) % 4 === turn;

test.each(
  Object.entries(commands).flatMap(([name, command], index) =>
    chosenKinds.filter((_, kind) => isChosen(index, kind)).map((kind) => [name, kind, command] as const),
  ),
)(
  'gva %s whose file operations meet %s makes all or nothing, and all of it when it is given again',
  { timeout: 7_200_000 },
  async (_name, kind, command) => {
    await using folder = await copyModel();
    const counted = await run(folder.path, [gvaProgram, ...command.words], { kind, at: 0 });
    expect(counted, counted.stderr).toMatchObject({ code: 0 });
    await expectNothingLeft(folder.path);
    const whole = await contentOf(join(folder.path, command.target));
    // What zstd writes goes past the layer, and there may be nothing else to be written.
    if (kind === 'SHORT' && counted.operations === 0) return;
    expect(counted.operations).toBeGreaterThan(0);
    const left = chosenOperations(counted.operations);
    const wrong: string[] = [];
    const worker = async () => {
      for (let at = left.shift(); at !== undefined; at = left.shift())
        await survive(command, whole, { kind, at }).catch((error: unknown) => {
          const { message, cause } = error as Error;
          wrong.push(`${kind}:${at} ${message} ${cause instanceof Error ? cause.message : ''}`);
        });
    };
    await Promise.all([worker(), worker()]);
    expect(wrong).toEqual([]);
  },
);
