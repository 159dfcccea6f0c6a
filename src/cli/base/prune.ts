import type { Command } from 'commander';
import { ExitCode, GvaError } from '../../system/errors.js';
import { formatSize, parseSize } from '../../system/units.js';
import { act, printJson } from '../action.js';
import { duration } from '../quantities.js';
import { note } from './reference.js';

interface PruneOptions {
  unused?: string;
  earlier?: boolean;
  size?: string;
  dryRun?: boolean;
  json?: boolean;
}

export function addPruneCommand(base: Command): void {
  base
    .command('prune')
    .description('remove base images that nothing needs and no process uses')
    .option('--unused <duration>', 'those that were not used for so long, or were never used since: 30d')
    .option('--earlier', 'those that a newer one of the same name has taken the place of')
    .option('--size <size>', 'those not used for the longest time, until all take no more than this: 20G')
    .option('-n, --dry-run', 'only say what would go')
    .option('--json', 'print it as one JSON document')
    .addHelpText('after', examples)
    .action((options: PruneOptions) => act(options.json ?? false, (signal) => prune(options, signal)));
}

const examples = `
Examples:
  gva base prune --earlier
  gva base prune --unused 60d --dry-run
  gva base prune --size 20G

What something needs (gva base rm --help) stays, and is named.`;

async function prune(options: PruneOptions, signal: AbortSignal): Promise<ExitCode> {
  const { readCatalogue } = await import('../../base/catalogue/catalogue.js');
  const { planPrune } = await import('../../base/prune.js');
  const { removeBases, removeRemains } = await import('../../base/remove.js');
  const rules = rulesOf(options);
  if (!options.dryRun) await removeRemains();
  const entries = await readCatalogue(true, note, (catalogue) => catalogue.list(true));
  const { going, kept } = await planPrune(entries, rules);
  const told = ({ name, mark, size }: { name: string; mark: string; size: number }) => ({
    base: `${name}@${mark}`,
    size,
  });
  for (const { entry, reasons } of kept) note(`kept: ${told(entry).base}, ${reasons.join('; ')}`);
  for (const entry of going) {
    if (!options.dryRun) await removeBases(entry.name, [entry], false, note, signal);
    if (!options.json)
      console.error(
        `${options.dryRun ? 'would go' : 'removed'}: ${told(entry).base}, ${formatSize(entry.size)}`,
      );
  }
  const bytes = going.reduce((sum, { size }) => sum + size, 0);
  if (options.json)
    printJson({
      removed: going.map(told),
      kept: kept.map(({ entry, reasons }) => ({ ...told(entry), reasons })),
      ...{ bytes, dryRun: options.dryRun ?? false },
    });
  else console.error(`${going.length} base images, ${formatSize(bytes)}`);
  return ExitCode.ok;
}

function rulesOf({ unused, earlier, size }: PruneOptions) {
  if (unused === undefined && !earlier && size === undefined)
    throw new GvaError('USAGE', 'nothing says which base images are to go', {
      hint: 'One of: --unused 30d, --earlier, --size 20G',
    });
  const most = size === undefined ? undefined : parseSize(size);
  if (size !== undefined && most === undefined)
    throw new GvaError('USAGE', `--size ${size} is no size`, { hint: 'For example: --size 20G' });
  return {
    earlier,
    unused: unused === undefined ? undefined : duration('--unused', unused),
    size: most,
  };
}
