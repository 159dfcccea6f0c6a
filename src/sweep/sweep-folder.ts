import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { SweepManifest } from '../model/sweep.js';
import { ExitCode, GvaError, errnoOf, messageOf } from '../system/errors.js';
import { ensureFolder, readTextIfExists, writeFileAtomically } from '../system/files.js';
import { type LockHolder, lockFolder } from '../system/folder-lock.js';
import { sweepFiles } from '../system/paths.js';
import { parseSweepManifest } from './manifest.js';

/** The folder of a sweep, for this process alone until it is disposed. */
export interface SweepFolder extends AsyncDisposable {
  readonly folder: string;
  /** Of the sweep that was begun in it; undefined in a new one. */
  readonly before: SweepManifest | undefined;
  writeManifest(manifest: SweepManifest): Promise<void>;
}

/**
 * Takes a folder that is new, empty, or of a sweep with the same appliance. What is not ours is never
 * touched; what a killed sweep left half-made is removed.
 *
 * @throws GvaError OUT_EXISTS, OUT_UNUSABLE, SWEEP_OTHER, SWEEP_UNREADABLE, SWEEP_IN_USE
 */
export async function openSweepFolder(folder: string, appliance: string): Promise<SweepFolder> {
  await makeFolder(folder);
  const { lock, holder } = await lockFolder(folder, sweepFiles.lock).catch((error: unknown) => {
    throw unusable(folder, error);
  });
  if (!lock) throw inUse(folder, holder);
  try {
    const before = await readManifest(folder, appliance);
    await removeLeftovers(folder);
    return {
      folder,
      before,
      writeManifest: (manifest) => writeManifest(folder, manifest),
      [Symbol.asyncDispose]: () => lock[Symbol.asyncDispose](),
    };
  } catch (error) {
    await lock[Symbol.asyncDispose]();
    throw error;
  }
}

async function makeFolder(folder: string): Promise<void> {
  const names = await readdir(folder).catch((error: unknown): string[] => {
    if (errnoOf(error) === 'ENOENT') return [];
    throw unusable(folder, error);
  });
  const foreign = names.some((name) => !isLeftover(name) && !name.startsWith(sweepFiles.lock));
  if (foreign && !names.includes(sweepFiles.sweep))
    throw new GvaError(
      'OUT_EXISTS',
      `the folder ${folder} is not empty, and it is no sweep's: it has no ${sweepFiles.sweep}`,
      { hint: 'Name a folder that is empty or does not exist: --out DIR' },
    );
  await ensureFolder(folder).catch((error: unknown) => {
    throw unusable(folder, error);
  });
}

async function readManifest(folder: string, appliance: string): Promise<SweepManifest | undefined> {
  const file = join(folder, sweepFiles.sweep);
  const text = await readTextIfExists(file).catch((error: unknown) => {
    throw unusable(folder, error);
  });
  if (text === undefined) return undefined;
  const manifest = parseSweepManifest(text);
  if (!manifest)
    throw new GvaError('SWEEP_UNREADABLE', `${file} is not of a sweep, or of a later version of GVA`, {
      hint: 'Nothing was changed. Name another folder: --out DIR',
    });
  if (manifest.appliance.name !== appliance)
    throw new GvaError(
      'SWEEP_OTHER',
      `the folder ${folder} has a sweep of ${manifest.appliance.name} in it, not of ${appliance}`,
      { hint: 'Name another folder: --out DIR' },
    );
  return manifest;
}

async function writeManifest(folder: string, manifest: SweepManifest): Promise<void> {
  try {
    await writeFileAtomically(join(folder, sweepFiles.sweep), `${JSON.stringify(manifest, null, 2)}\n`);
  } catch (error) {
    throw unusable(folder, error);
  }
}

const temporary =
  /^\.(?:sweep\.json|results\.(?:csv|jsonl)|status\.json|gather(?:\.json)?|\d{7,})\.[0-9a-f]{12,}\.tmp$/;
const isLeftover = (name: string) => temporary.test(name);

/** Removes what a killed process had not published yet, here and among the points. */
async function removeLeftovers(folder: string): Promise<void> {
  const points = join(folder, sweepFiles.points);
  const shards = (await namesIn(points)).map((shard) => join(points, shard));
  for (const parent of [folder, ...shards])
    for (const name of (await namesIn(parent)).filter(isLeftover))
      await rm(join(parent, name), { recursive: true, force: true });
}

const namesIn = (folder: string) => readdir(folder).catch(() => []);

const unusable = (folder: string, error: unknown) =>
  new GvaError('OUT_UNUSABLE', `cannot use the folder ${folder}: ${messageOf(error)}`, {
    hint: 'Name a folder that you may write to: --out DIR',
    cause: error,
  });

function inUse(folder: string, { file, process, state }: LockHolder): GvaError {
  const who = process ? ` by process ${process.pid}` : '';
  if (state === 'alive')
    return new GvaError('SWEEP_IN_USE', `the sweep in ${folder} is being run${who}`, {
      exitCode: ExitCode.usage,
      hint: 'Wait for it, or end it first; what it has done is kept.',
    });
  return new GvaError(
    'SWEEP_IN_USE',
    `the sweep in ${folder} is being run${who} of another host or container`,
    { hint: `If it has ended without being able to say so, remove ${file} and try again.` },
  );
}
