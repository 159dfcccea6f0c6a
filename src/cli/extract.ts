import type { Command } from 'commander';
import type { ExtractionReport, ExtractOptions } from '../disk/extract.js';
import type { OpenTree } from '../disk/open-tree.js';
import { ExitCode, GvaError } from '../system/errors.js';
import { formatSize } from '../system/units.js';
import { act, printJson } from './action.js';
import { imageHelp, JSON_FINDINGS, showFindings } from './findings-view.js';
import { count, duration, size } from './quantities.js';

interface CommandOptions {
  from?: string;
  maxBytes?: string;
  maxFiles?: string;
  maxDepth?: string;
  timeout?: string;
  json?: boolean;
}

export function addExtractCommand(program: Command): void {
  program
    .command('extract')
    .argument('<image>', 'disk image: raw, qcow2, VMDK or VDI')
    .argument('<dir>', 'folder for the files: new, or empty')
    .description('bring the files out of a disk image that a stranger may have written')
    .option('--from <path>', 'only this folder of the image')
    .option('--max-bytes <size>', "end after so much data: 256M, 2G (default: the image's size)")
    .option('--max-files <n>', 'end after so many files and folders (default: 1000000)')
    .option('--max-depth <n>', 'enter no folders below this level (default: 100)')
    .option('--timeout <duration>', 'end after this time (default: 10m)')
    .option('--json', 'print the report as one JSON document on standard output, and nothing else')
    .addHelpText('after', help)
    .action((image: string, dir: string, options: CommandOptions) =>
      act(options.json ?? false, (signal) => extract(image, dir, options, signal)),
    );
}

const help = `${imageHelp}

Nothing is written outside of DIR, whatever the image says: names are made safe, links that lead out are not made,
devices are skipped, set-uid bits are removed. Holes stay holes. What was changed, refused or could not be read is
shown as warnings, all of it with --json.

Examples:
  gva extract output.img results
  gva extract disk.qcow2 results --from /var/log --max-bytes 1G
  gva extract cdrom.iso files --json | jq '.findings'

Exit status: 0 everything was brought out (what warnings there are tell of nothing that is missing or other than in
the image), 1 something was refused, saved under another name, cut by a limit or unreadable, 2 wrong usage or input,
69 the host could not write, 130 interrupted: DIR keeps what was brought out until then.`;

async function extract(
  image: string,
  dir: string,
  options: CommandOptions,
  signal: AbortSignal,
): Promise<ExitCode> {
  const limits = limitsOf(options);
  const { openTree } = await import('../disk/open-tree.js');
  await using opened = await openTree(image);
  await checkFrom(opened, options.from);
  const { extractTree } = await import('../disk/extract.js');
  const report = await extractTree(opened.tree, dir, { ...limits, signal }).catch((error: unknown) => {
    throw signal.aborted ? interrupted(dir, error) : error;
  });
  if (options.json) printReport(image, dir, opened, report);
  else {
    showFindings(report.findings, report.findingCount);
    console.error(`${summary(report)} in ${dir}`);
  }
  return report.complete ? ExitCode.ok : ExitCode.application;
}

function limitsOf(options: CommandOptions): ExtractOptions {
  const { from, maxBytes, maxFiles, maxDepth, timeout, json } = options;
  return {
    ...(from === undefined ? {} : { from }),
    ...(maxBytes === undefined ? {} : { maxBytes: size('--max-bytes', maxBytes) }),
    ...(maxFiles === undefined ? {} : { maxFiles: count('--max-files', maxFiles, 1) }),
    ...(maxDepth === undefined ? {} : { maxDepth: count('--max-depth', maxDepth, 0) }),
    ...(timeout === undefined ? {} : { timeMs: duration('--timeout', timeout) * 1000 }),
    ...(json ? { maxFindings: JSON_FINDINGS } : {}),
  };
}

/** Wrong input is found before the folder is made. */
async function checkFrom({ tree }: OpenTree, from: string | undefined): Promise<void> {
  if (from === undefined) return;
  const { lookUp } = await import('../disk/lookup.js');
  const node = await lookUp(tree, from, () => undefined);
  if (node?.kind === 'directory') return;
  throw new GvaError('EXTRACT_FROM', `there is no folder ${from} in the image`, { hint: 'gva ls IMAGE -R' });
}

function interrupted(dir: string, cause: unknown): GvaError {
  return new GvaError(
    'INTERRUPTED',
    `interrupted: ${dir} has what was brought out until then, and not more`,
    {
      exitCode: ExitCode.interrupted,
      cause,
    },
  );
}

function printReport(
  image: string,
  directory: string,
  { fileSystem }: OpenTree,
  report: ExtractionReport,
): void {
  const { complete, truncated, files, directories, symlinks, bytes, findingCount, findings } = report;
  const counts = { files, directories, symlinks, bytes };
  printJson({ image, fileSystem, directory, complete, truncated, ...counts, findingCount, findings });
}

function summary({ files, directories, symlinks, bytes }: ExtractionReport): string {
  const counts = [counted(files, 'file'), counted(directories, 'folder'), counted(symlinks, 'symbolic link')];
  return `${counts.join(', ')}, ${formatSize(bytes)}`;
}

function counted(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
