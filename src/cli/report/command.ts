import type { Command } from 'commander';
import { ExitCode, GvaError } from '../../system/errors.js';
import { act } from '../action.js';

export interface ReportOptions {
  output?: string;
  force?: boolean;
  json?: boolean;
  images: string;
}

export function addReportCommand(program: Command): void {
  program
    .command('report')
    .argument('<sweep>', 'folder or name of a sweep')
    .description('write what came of a sweep as one page that opens anywhere, or its plots')
    .option('-o, --output <file>', 'the page (default: NAME.html, with the name of the sweep)')
    .option('--force', 'replace the file')
    .option('--images <size>', 'take in pictures of the outputs up to this size in all; 0 for none', '16M')
    .option('--json', 'print the data of the report as one JSON document; the page is written only with -o')
    .addHelpText('after', examples)
    .action((name: string, options: ReportOptions) =>
      act(options.json ?? false, (signal) => report(name, options, signal)),
    );
}

const examples = `
Examples:
  gva report squares                           the page: squares.html
  gva report squares -o report.html --force
  gva report squares --json | jq '.failures.groups[] | {cause, count}'

It may be made at any time, also while the sweep runs. The page has all it needs in it and loads nothing.
Exit status: 0 it was written; 2 there is no such sweep, or the file exists; 69 the sweep has no table yet, cannot be read,
or the file cannot be written.`;

async function report(name: string, options: ReportOptions, signal: AbortSignal): Promise<ExitCode> {
  const { output, force = false, json = false, images } = options;
  const { size } = await import('../quantities.js');
  const { findSweep } = await import('../../sweep/observe/find.js');
  const { takeIn } = await import('../sweep/take-in.js');
  const { collectReport } = await import('./collect.js');
  const { refuseExisting, writeOut } = await import('./write.js');
  const imageBytes = size('--images', images);
  if (output !== undefined) refuseExisting(output, force);
  const folder = await findSweep(name);
  await takeIn(folder, signal);
  const data = await collectReport(folder, { imageBytes, signal });
  if (json) {
    const { Reader } = await import('../sweep/reader.js');
    await new Reader(process.stdout).write(`${JSON.stringify(data)}\n`);
    if (output === undefined) return ExitCode.ok;
  }
  const target = output ?? defaultName(data.sweep.name);
  refuseExisting(target, force);
  const { pageAssets } = await import('./write.js');
  const { reportPage } = await import('../../report/html/report.js');
  await writeOut(target, reportPage(data, await pageAssets()));
  if (!json) console.log(target);
  return ExitCode.ok;
}

/** A name of a sweep is a path's last part, and so may be anything. */
function defaultName(name: string): string {
  if (!/^[\w.,=+@-]+$/.test(name) || name.startsWith('.'))
    throw new GvaError('USAGE', 'the name of the sweep makes no name of a file', {
      hint: 'Name the page: -o report.html',
    });
  return `${name}.html`;
}
