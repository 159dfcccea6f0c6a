import { open } from 'node:fs/promises';
import type { Gathered, SweepSummary } from '../../model/sweep.js';
import { ExitCode, errnoOf } from '../../system/errors.js';
import { printable } from '../../vmm/console-ring.js';
import { messageColours as pc } from '../colours.js';
import { shellWord } from '../../system/shell-word.js';

/** Lines and bytes of a log that are shown. */
const [lastLines, lastBytes] = [20, 16 << 10];

/** Tells how the gather step of a sweep went. @param quiet tells only what went wrong */
export async function showGathered(
  { folder, gathered, notGathered }: Pick<SweepSummary, 'folder' | 'gathered' | 'notGathered'>,
  quiet: boolean,
): Promise<void> {
  const again = `gva sweep gather ${shellWord(folder)}`;
  if (gathered) await showOutcome(gathered, quiet, again);
  else if (notGathered !== undefined && !quiet) {
    console.error(pc.yellow(`not gathered: ${printable(notGathered)}`));
    console.error(`${pc.cyan('hint:')} ${again}`);
  }
}

/** @param again command that runs it again */
export async function showOutcome(
  { state, message, log, earlier }: Gathered,
  quiet: boolean,
  again?: string,
): Promise<void> {
  const since = earlier ? ' (before; nothing has changed since)' : '';
  if (state === 'done') {
    if (!quiet) console.error(`${pc.green('gathered')}${since}: ${log}`);
    return;
  }
  console.error(`${pc.red(`gather step ${state}:`)} ${printable(message ?? '')}${since}`);
  const lines = await lastOf(log);
  if (lines.length > 0) {
    console.error(pc.dim(`--- last lines of ${log}`));
    for (const line of lines) console.error(printable(line));
    console.error(pc.dim('---'));
  }
  if (again !== undefined) console.error(`${pc.cyan('hint:')} to run it again: ${again}`);
}

async function lastOf(log: string): Promise<string[]> {
  try {
    await using file = await open(log);
    const { size } = await file.stat();
    const start = Math.max(0, size - lastBytes);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - start), 0, size - start, start);
    const text = buffer.toString('utf8', 0, bytesRead).trimEnd();
    return text === '' ? [] : text.split('\n').slice(-lastLines);
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return [];
  }
}

export function exitCodeOfGathered(gathered: Pick<Gathered, 'state'> | undefined): ExitCode {
  const codes = { done: ExitCode.ok, failed: ExitCode.application, lost: ExitCode.infrastructure };
  return gathered ? codes[gathered.state] : ExitCode.ok;
}
