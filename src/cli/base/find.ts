import type { Command } from 'commander';
import type { BaseRequirements } from '../../model/base-wish.js';
import { ExitCode } from '../../system/errors.js';
import { act, printJson } from '../action.js';
import { type RequirementOptions, addRequirementOptions, requirementsFrom } from './requirement-options.js';

interface FindOptions extends RequirementOptions {
  json?: boolean;
}

export function addFindCommand(base: Command): void {
  addRequirementOptions(base.command('find').description('list the base images that have what is required'))
    .option('--json', 'print them as one JSON document')
    .addHelpText('after', examples)
    .action((options: FindOptions) => act(options.json ?? false, () => find(options)));
}

const examples = `
Examples:
  gva base find --os linux --package python3 --package r-base-core
  gva base find --os debian:12 --package 'python3 (>= 3.11)' --package numpy --json

The first one is what an appliance with these requirements (base: of gva.yaml) gets: the one with the fewest packages,
of two the smaller on the disk, then the newer, then by name.
Exit status: 0 there are some, 1 there are none, 2 wrong usage.`;

async function find(options: FindOptions): Promise<ExitCode> {
  const requirements = await requirementsFrom(options);
  const { findEntries } = await import('../../base/choose.js');
  const { entryJson, printEntries } = await import('./entry-view.js');
  const say = (text: string) => console.error(`note: ${text}`);
  const entries = await findEntries(requirements, -1, say);
  if (options.json) printJson({ bases: entries.map(entryJson) });
  else if (entries.length > 0) printEntries(entries);
  else await sayWhy(requirements, say);
  return entries.length > 0 ? ExitCode.ok : ExitCode.application;
}

async function sayWhy(requirements: BaseRequirements, say: (text: string) => void): Promise<void> {
  const { explainUnmatched } = await import('../../base/choose.js');
  const { missing, advice } = await explainUnmatched(requirements, say);
  for (const line of [...missing, ...advice]) console.error(line);
}
