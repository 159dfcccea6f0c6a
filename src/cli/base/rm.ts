import type { Command } from 'commander';
import { ExitCode } from '../../system/errors.js';
import { act } from '../action.js';
import { entriesNamed, note } from './reference.js';

interface RmOptions {
  force?: boolean;
}

export function addRmCommand(base: Command): void {
  base
    .command('rm')
    .argument('<base>', 'NAME for all of that name, or NAME@DIGEST for one')
    .description('remove a base image, unless something needs it')
    .option('-f, --force', 'even if something needs it, or a process uses it')
    .addHelpText('after', examples)
    .action((reference: string, options: RmOptions) =>
      act(false, (signal) => remove(reference, options.force ?? false, signal)),
    );
}

const examples = `
Examples:
  gva base rm numpy
  gva base rm numpy@3f2a9c --force

It is needed by thin packages, by sweeps that have points to run, by appliance folders that were run with it, and by
what was made upon it, as long as these are where they were. Where the current base of a name goes and others of the name
stay, the newest of them becomes the current one.
Exit status: 0 it is removed, 2 it is needed, in use, or not there.`;

async function remove(reference: string, force: boolean, signal: AbortSignal): Promise<ExitCode> {
  const { removeBases } = await import('../../base/remove.js');
  const [first, ...others] = await entriesNamed(reference);
  const chosen = [first, ...others];
  await removeBases(first.name, chosen, force, note, signal);
  for (const { name, mark } of chosen) console.error(`removed: ${name}@${mark}`);
  return ExitCode.ok;
}
