import { realpath } from 'node:fs/promises';
import type { Command } from 'commander';
import { ExitCode, GvaError } from '../../system/errors.js';
import { printable } from '../../vmm/console-ring.js';
import { act } from '../action.js';
import { agreed, canAsk } from '../ask.js';

interface RmOptions {
  force?: boolean;
}

export function addRmCommand(sweep: Command): void {
  sweep
    .command('rm')
    .argument('<sweep>', 'folder or name of a sweep that does not run')
    .description('remove a sweep with its results')
    .option('-f, --force', 'without asking')
    .addHelpText('after', examples)
    .action((name: string, options: RmOptions) => act(false, (signal) => remove(name, options, signal)));
}

const examples = `
Examples:
  gva sweep rm squares
  gva sweep rm runs/squares --force

Only what GVA has made in the folder is removed; links are not followed. The folder itself goes if nothing else is
in it.
Exit status: 0 the sweep is removed, or was kept because you said so; 2 there is no such sweep, or it runs.`;

async function remove(name: string, options: RmOptions, signal: AbortSignal): Promise<ExitCode> {
  const { findSweep } = await import('../../sweep/observe/find.js');
  const { removeSweep } = await import('../../sweep/observe/remove.js');
  const { forgetSweep } = await import('../../sweep/observe/registry.js');
  const gone = await forgetGone(name);
  if (gone) return ExitCode.ok;
  const folder = await findSweep(name);
  await checkJobs(folder);
  if (!options.force && !(await confirmed(folder, signal))) return ExitCode.ok;
  const path = await realpath(folder);
  const left = await removeSweep(folder, signal);
  await forgetSweep(path);
  if (left.length > 0) {
    const names = left.slice(0, 5).map(printable).join(', ');
    console.error(
      `kept: ${folder}, which has files that are not the sweep's: ${names}${left.length > 5 ? ', …' : ''}`,
    );
  }
  return ExitCode.ok;
}

/** Jobs of a grid would make the folder anew. */
async function checkJobs(folder: string): Promise<void> {
  const { hasJobs, readStatus } = await import('../../sweep/observe/status.js');
  const seen = await readStatus(folder).catch(() => undefined);
  if (!seen || seen.owner !== 'none' || !hasJobs(seen.status)) return;
  throw new GvaError('SWEEP_IN_USE', `jobs of the sweep in ${folder} wait or run`, {
    hint: `End them first: gva sweep cancel ${folder}. If they have ended: gva sweep status ${folder}`,
  });
}

/** A sweep that is known by this name alone, and whose folder somebody else has removed. */
async function forgetGone(name: string): Promise<boolean> {
  const { isSweepFolder } = await import('../../sweep/observe/find.js');
  const { forgetSweep, knownSweeps } = await import('../../sweep/observe/registry.js');
  if (name.includes('/') || isSweepFolder(name)) return false;
  const named = (await knownSweeps()).filter((known) => known.name === name);
  if (named.length === 0 || named.some(({ folder }) => isSweepFolder(folder))) return false;
  for (const { folder } of named) {
    await forgetSweep(folder);
    console.error(`forgotten: ${name}, whose folder ${folder} is gone`);
  }
  return true;
}

async function confirmed(folder: string, signal: AbortSignal): Promise<boolean> {
  if (!canAsk())
    throw new GvaError('USAGE', `the sweep in ${folder} is not removed without asking`, {
      hint: 'Say that you mean it: --force',
    });
  const { readStatus } = await import('../../sweep/observe/status.js');
  const seen = await readStatus(folder).catch(() => undefined);
  const what = seen ? ` with ${seen.status.counts.done} done points` : '';
  return await agreed(`Remove the sweep in ${folder}${what}? [y/N] `, signal);
}
