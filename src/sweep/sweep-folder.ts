import { readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SweepManifest } from '../model/sweep.js';
import { ExitCode, GvaError, errnoOf, messageOf } from '../system/errors.js';
import { ensureFolder, readTextIfExists, temporarySibling, writeFileAtomically } from '../system/files.js';
import { type LockHolder, lockFolder } from '../system/folder-lock.js';
import { sweepFiles } from '../system/paths.js';
import { removeAbandonedIn } from '../system/temporary.js';
import { formatDuration } from '../system/units.js';
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
 * @param takeOver also from a process of another host, which cannot be judged from here, if it has not been heard of
 *   for two minutes
 * @throws GvaError OUT_EXISTS, OUT_UNUSABLE, SWEEP_OTHER, SWEEP_UNREADABLE, SWEEP_IN_USE
 */
export async function openSweepFolder(
  folder: string,
  appliance: string,
  takeOver = false,
): Promise<SweepFolder> {
  await makeFolder(folder);
  const lock = await takeLock(folder, takeOver);
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

/** Seconds without a word, which is written every second, after which a process may be taken for dead. */
const longSilence = 120;

async function takeLock(folder: string, takeOver: boolean): Promise<AsyncDisposable> {
  const attempt = () =>
    lockFolder(folder, sweepFiles.lock).catch((error: unknown) => {
      throw unusable(folder, error);
    });
  const first = await attempt();
  if (first.lock) return first.lock;
  const silence = first.holder.state === 'unknown' ? await silenceOf(folder, first.holder.file, takeOver) : 0;
  if (!takeOver || silence < longSilence) throw inUse(folder, first.holder, silence);
  await rm(first.holder.file, { force: true });
  const second = await attempt();
  if (second.lock) return second.lock;
  throw inUse(folder, second.holder, 0);
}

/** Milliseconds in which a process that lives has said its word some times. */
const listening = 3000;

/**
 * Seconds since the process with that lock has written anything here, by the clock of the file system. That may have
 * jumped, either way: what looks long is listened to.
 */
async function silenceOf(folder: string, lock: string, listen: boolean): Promise<number> {
  const probe = temporarySibling(join(folder, sweepFiles.status));
  const lastWord = async () => {
    const files = [lock, join(folder, sweepFiles.status)];
    const infos = await Promise.all(files.map((file) => stat(file).catch(() => undefined)));
    return Math.max(...infos.map((info) => info?.mtimeMs ?? 0));
  };
  try {
    await writeFile(probe, '');
    const last = await lastWord();
    const silence = Math.abs((await stat(probe)).mtimeMs - last) / 1000;
    if (!listen || silence < longSilence) return silence;
    await sleep(listening);
    return (await lastWord()) === last ? silence : 0;
  } catch (error) {
    throw unusable(folder, error);
  } finally {
    await rm(probe, { force: true }).catch(() => undefined);
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
  /^\.(?:sweep\.json|plan\.yaml|\.lock-[0-9a-f]{12}|results\.(?:csv|jsonl)|status\.json|gather(?:\.json)?|store\.db|\d{7,})\.[0-9a-f]{12,}\.tmp$/;
const isLeftover = (name: string) => temporary.test(name);

/** Removes what killed processes had not published yet: here, among the points, and of what was asked of the sweep. */
async function removeLeftovers(folder: string): Promise<void> {
  await removeAbandonedIn(join(folder, sweepFiles.requests));
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

/** @param silence seconds since it was heard of */
function inUse(folder: string, { file, process, state }: LockHolder, silence: number): GvaError {
  const who = process ? ` by process ${process.pid}` : '';
  if (state === 'alive')
    return new GvaError('SWEEP_IN_USE', `the sweep in ${folder} is being run${who}`, {
      exitCode: ExitCode.usage,
      hint: 'Wait for it, or end it first; what it has done is kept.',
    });
  return new GvaError(
    'SWEEP_IN_USE',
    `the sweep in ${folder} is being run${who} of another host or container`,
    { hint: hintOf(file, silence) },
  );
}

function hintOf(file: string, silence: number): string {
  const heard = formatDuration(Math.round(silence));
  return silence < longSilence
    ? `It was heard of ${heard} ago. After ${formatDuration(longSilence)} of silence --take-over (of run and resume) goes on in its place. If you know that it has ended: remove ${file}`
    : `Nothing was heard of it for ${heard}. If it has ended without being able to say so, --take-over (of run and resume) goes on in its place; or remove ${file} and try again.`;
}
