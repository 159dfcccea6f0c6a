import type { Command } from 'commander';
import { ExitCode } from '../../system/errors.js';
import { act, printJson } from '../action.js';

interface ListOptions {
  all?: boolean;
  json?: boolean;
}

export function addListCommand(base: Command): void {
  base
    .command('list')
    .description('list the base images of this user')
    .option('-a, --all', 'those of before, too, which a newer one of the same name has taken the place of')
    .option('--json', 'print them as one JSON document')
    .addHelpText('after', '\nExamples:\n  gva base list\n  gva base list --all --json | jq -r .bases[].name')
    .action((options: ListOptions) => act(options.json ?? false, () => list(options)));
}

async function list({ all = false, json = false }: ListOptions): Promise<ExitCode> {
  const { readCatalogue } = await import('../../base/catalogue/catalogue.js');
  const { entryJson, printEntries } = await import('./entry-view.js');
  const say = (text: string) => console.error(`note: ${text}`);
  const entries = await readCatalogue(true, say, (catalogue) => catalogue.list(all));
  if (json) printJson({ bases: entries.map(entryJson) });
  else if (entries.length === 0) console.error('There is no base image yet: gva base build micro');
  else printEntries(entries);
  return ExitCode.ok;
}
