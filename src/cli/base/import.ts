import type { Command } from 'commander';
import { ExitCode, GvaError } from '../../system/errors.js';
import { act, printJson } from '../action.js';
import { note } from './reference.js';

interface ImportOptions {
  name?: string;
  json?: boolean;
}

export function addImportCommand(base: Command): void {
  base
    .command('import')
    .argument('<file>', 'what gva base export has written')
    .description('make a base image of such a file the current one of its name')
    .option('--name <name>', 'name that it is to have here (default: its own)')
    .option('--json', 'print the description of the base as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  gva base import numpy.gva-base\n  gva base import numpy.gva-base --name numpy-1',
    )
    .action((file: string, options: ImportOptions) =>
      act(options.json ?? false, (signal) => importFrom(file, options, signal)),
    );
}

async function importFrom(file: string, options: ImportOptions, signal: AbortSignal): Promise<ExitCode> {
  const { importBase } = await import('../../base/archive/import.js');
  const { isBaseName } = await import('../../base/base-manifest.js');
  if (options.name !== undefined && !isBaseName(options.name))
    throw new GvaError('BASE_NAME', `${JSON.stringify(options.name)} cannot be the name of a base`, {
      hint: 'Letters, digits, ".", "_" and "-".',
    });
  const manifest = await importBase(file, options.name, note, signal);
  if (options.json) printJson(manifest);
  else console.error(`${manifest.name}: imported, digest ${manifest.digest.slice(0, 16)}`);
  return ExitCode.ok;
}
