import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { SweepRequest } from '../../model/sweep-status.js';
import { ExitCode, GvaError, messageOf } from '../../system/errors.js';
import { ensureFolder, writeFileAtomically } from '../../system/files.js';
import { sweepFiles } from '../../system/paths.js';

/**
 * Asks something of the process that runs the sweep. The file appears whole, and goes when the process has taken it up;
 * names sort in the order of asking.
 *
 * @returns path of the file
 * @throws GvaError REQUEST_UNWRITABLE
 */
export async function putRequest(folder: string, request: SweepRequest): Promise<string> {
  try {
    const requests = await ensureFolder(join(folder, sweepFiles.requests));
    const file = join(requests, await nextName(requests));
    await writeFileAtomically(file, `${JSON.stringify(request)}\n`);
    return file;
  } catch (error) {
    throw new GvaError('REQUEST_UNWRITABLE', `cannot ask the sweep in ${folder}: ${messageOf(error)}`, {
      exitCode: ExitCode.infrastructure,
      hint: 'Only who may write to its folder may ask anything of it.',
      cause: error,
    });
  }
}

/** After all that wait, though the time of day may have jumped back. */
async function nextName(folder: string): Promise<string> {
  const numbers = (await readdir(folder)).map((name) => Number(/^(\d{15})-/.exec(name)?.[1] ?? 0));
  const number = Math.max(Date.now(), ...numbers.map((each) => each + 1));
  return `${String(number).padStart(15, '0')}-${randomBytes(6).toString('hex')}.json`;
}

/**
 * Waits until a request is taken up. One that is not, or that nobody waits for any more, is taken back.
 *
 * @param seconds how long it may take
 * @throws GvaError SWEEP_SILENT; what the signal says
 */
export async function untilTaken(file: string, signal: AbortSignal, seconds = 15): Promise<void> {
  const end = performance.now() + seconds * 1000;
  try {
    while (existsSync(file)) {
      signal.throwIfAborted();
      if (performance.now() > end) throw silent(seconds);
      await setTimeout(50, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  } finally {
    await rm(file, { force: true });
  }
}

const silent = (seconds: number) =>
  new GvaError('SWEEP_SILENT', `the sweep has not answered for ${seconds} seconds`, {
    exitCode: ExitCode.infrastructure,
    hint: 'Nothing was changed. Its process hangs, is stopped, or has no access to the folder: look with gva sweep status.',
  });
