import type { Command } from 'commander';
import type { BaseEntry } from '../../base/catalogue/catalogue.js';
import { ExitCode, GvaError } from '../../system/errors.js';
import { act } from '../action.js';
import { agreed, canAsk } from '../ask.js';
import { entriesNamed, note } from './reference.js';

interface RmOptions {
  force?: boolean;
  yes?: boolean;
}

export function addRmCommand(base: Command): void {
  base
    .command('rm')
    .argument('<base>', 'NAME for all of that name, or NAME@DIGEST for one')
    .description('remove a base image, unless something needs it')
    .option('-f, --force', 'even if something needs it, or a process uses it')
    .option('-y, --yes', 'do not ask whether several are to go')
    .addHelpText('after', examples)
    .action((reference: string, options: RmOptions) =>
      act(false, (signal) => remove(reference, options, signal)),
    );
}

const examples = `
Examples:
  gva base rm numpy
  gva base rm numpy@3f2a9c --force

It is needed by thin packages, by sweeps that have points to run, by appliance folders that were run with it, and by
what was made upon it, as long as these are where they were. Where the current base of a name goes and others of the name
stay, the newest of them becomes the current one.
Where a name stands for several, it asks first, unless --yes.
Exit status: 0 it is removed, 2 it is needed, in use, or not there.`;

async function remove(
  reference: string,
  { force = false, yes = false }: RmOptions,
  signal: AbortSignal,
): Promise<ExitCode> {
  const { removeBases, removeRemains } = await import('../../base/remove.js');
  await removeRemains();
  const [first, ...others] = await entriesNamed(reference);
  const chosen = [first, ...others];
  if (chosen.length > 1 && !yes && !(await mayRemove(chosen, signal))) return ExitCode.usage;
  await removeBases(first.name, chosen, force, note, signal);
  for (const { name, mark } of chosen) console.error(`removed: ${name}@${mark}`);
  return ExitCode.ok;
}

/** A name stands for the current base and all of before: somebody may have thought of one. */
async function mayRemove(chosen: readonly BaseEntry[], signal: AbortSignal): Promise<boolean> {
  const list = chosen.map(({ name, mark }) => `${name}@${mark}`).join(', ');
  if (canAsk()) return agreed(`Remove all ${chosen.length} of them (${list})? [y/N] `, signal);
  throw new GvaError('CONFIRM', `that would remove ${chosen.length} base images: ${list}`, {
    hint: 'To remove them all: --yes. To remove one: NAME@DIGEST. Those of before: gva base prune --earlier',
  });
}
