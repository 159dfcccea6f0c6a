import { readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { InstanceResult } from '../../model/result.js';
import { ensureFolder, readTextIfExists, temporarySibling } from '../../system/files.js';
import { historyFile, historyFolder } from '../../system/paths.js';
import { removeAbandonedSiblings } from '../../system/temporary.js';
import type { PastRun } from './weigh.js';

/** Runs that are kept of one appliance, of each kind. */
const mostRuns = 8;
/** Appliances that are remembered. */
const mostAppliances = 1000;
/** Runs of one kind that one process adds: a sweep of a million points learns nothing from the last. */
const mostOfProcess = 3;
/** Bytes that a file of ours has at most. */
const largestFile = 64 << 10;

const format = 'gva-history/1';

/** What is known of an appliance's earlier runs, by its digest. What cannot be read is not known, and no error. */
export async function pastRuns(digest: string): Promise<PastRun[]> {
  const file = historyFile(digest);
  try {
    if ((await stat(file)).size > largestFile) return [];
    const text = await readTextIfExists(file);
    const history = JSON.parse(text ?? '{}') as { format?: unknown; runs?: unknown };
    if (history.format !== format || !Array.isArray(history.runs)) return [];
    return history.runs.filter(isPastRun);
  } catch {
    return [];
  }
}

function isPastRun(value: unknown): value is PastRun {
  if (typeof value !== 'object' || value === null) return false;
  const { vmm, accelerator, start, script, overhead } = value as Record<string, unknown>;
  const isSeconds = (number: unknown) => typeof number === 'number' && number >= 0 && number < 1e9;
  const isWord = (word: unknown) => typeof word === 'string' && /^[\w.-]{1,64}$/.test(word);
  return (
    isWord(vmm) &&
    isWord(accelerator) &&
    (start === 'warm' || start === 'cold') &&
    [script, overhead].every(isSeconds)
  );
}

/** Of this process: kind of run to how many it has added. */
const added = new Map<string, number>();

/**
 * Remembers how long an instance took that is done. Of two processes that do so at the same moment the run of one may be
 * forgotten. A cache that cannot be written to is no error.
 */
export async function rememberRun({
  appliance,
  vmm,
  start = 'cold',
  times,
  state,
}: InstanceResult): Promise<void> {
  const { scriptsStarted, scriptsEnded, collected } = times;
  if (state !== 'done' || scriptsStarted === null || scriptsEnded === null || collected === null) return;
  const script = Math.max(0, scriptsEnded - scriptsStarted);
  const run = {
    vmm: vmm.name,
    accelerator: vmm.accelerator,
    start,
    script,
    overhead: Math.max(0, collected - script),
  };
  const kind = `${appliance.digest} ${kindOf(run)}`;
  const count = added.get(kind) ?? 0;
  if (count >= mostOfProcess) return;
  added.set(kind, count + 1);
  await add(appliance.digest, run).catch(() => undefined);
}

/** Removes what processes have left that were killed while they remembered a run of that appliance. */
export const removeAbandonedHistory = (digest: string): Promise<void> =>
  removeAbandonedSiblings(historyFile(digest));

const kindOf = ({ vmm, accelerator, start }: PastRun) => `${vmm} ${accelerator} ${start}`;

async function add(digest: string, run: PastRun): Promise<void> {
  const before = await pastRuns(digest);
  const others = before.filter((each) => kindOf(each) !== kindOf(run));
  const same = before.filter((each) => kindOf(each) === kindOf(run)).slice(1 - mostRuns);
  const folder = await ensureFolder(historyFolder());
  if (before.length === 0) await makeRoom(folder);
  await removeAbandonedHistory(digest);
  const file = historyFile(digest);
  const temporary = temporarySibling(file);
  try {
    // A crash of the host may lose it: it is only a help.
    await writeFile(
      temporary,
      `${JSON.stringify({ format, runs: [...others, ...same, run].slice(-10 * mostRuns) })}\n`,
    );
    await rename(temporary, file);
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Removes those that were written the longest time ago, and what killed processes left, where there are too many. */
async function makeRoom(folder: string): Promise<void> {
  const names = await readdir(folder);
  if (names.length < mostAppliances) return;
  const ages = names.map(async (name) => {
    const path = join(folder, name);
    return { path, at: (await stat(path).catch(() => undefined))?.mtimeMs ?? 0 };
  });
  const oldest = (await Promise.all(ages))
    .sort((a, b) => a.at - b.at)
    .slice(0, names.length - mostAppliances / 2);
  for (const { path } of oldest) await rm(path, { force: true });
}
