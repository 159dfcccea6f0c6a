import type { Command } from 'commander';
import { ExitCode, GvaError } from '../../system/errors.js';
import { formatSize } from '../../system/units.js';
import { act } from '../action.js';
import { entriesNamed, note } from './reference.js';

interface ExportOptions {
  out?: string;
  force?: boolean;
}

export function addExportCommand(base: Command): void {
  base
    .command('export')
    .argument('<base>', 'NAME, or NAME@DIGEST')
    .description('write a base image into one file, for another user or machine')
    .option('-o, --out <file>', 'file to write (default: NAME.gva-base)')
    .option('--force', 'replace the file if it exists')
    .addHelpText(
      'after',
      '\nExamples:\n  gva base export numpy\n  gva base export numpy@3f2a9c -o numpy-may.gva-base',
    )
    .action((reference: string, options: ExportOptions) =>
      act(false, (signal) => exportTo(reference, options, signal)),
    );
}

async function exportTo(reference: string, options: ExportOptions, signal: AbortSignal): Promise<ExitCode> {
  const { existsSync } = await import('node:fs');
  const { stat } = await import('node:fs/promises');
  const { exportBase } = await import('../../base/archive/write.js');
  const { loadBaseFolder } = await import('../../base/store.js');
  const [entry] = await entriesNamed(reference);
  const target = options.out ?? `${entry.name}.gva-base`;
  if (existsSync(target) && !options.force)
    throw new GvaError('EXPORT_EXISTS', `${target} exists already`, { hint: 'Replace it: --force' });
  await exportBase(await loadBaseFolder(entry.folder), target, signal);
  note(`${target}: ${formatSize((await stat(target)).size)}`);
  return ExitCode.ok;
}
