import type { Command } from 'commander';
import { ExitCode, GvaError } from '../system/errors.js';
import { act, repeatable } from './action.js';

interface EnvOptions {
  out: string;
  param: string[];
  file: string[];
  force?: boolean;
}

export function addEnvCommand(program: Command): void {
  program
    .command('env')
    .argument('<appliance>', 'appliance folder, or a package')
    .description('write the parameter CD alone, for those who start the virtual machine themselves')
    .requiredOption('-o, --out <file>', 'ISO image to write')
    .addOption(repeatable('-p, --param <name=value>', 'value of a parameter'))
    .addOption(repeatable('-f, --file <src[=name]>', 'file for the CD'))
    .option('--force', 'replace the image if it exists')
    .addHelpText(
      'after',
      `
Example:
  gva env square.ova --param n=12 -o env.iso     put it into the CD drive of the imported machine`,
    )
    .action((path: string, options: EnvOptions) => act(false, () => writeEnvironment(path, options)));
}

async function writeEnvironment(path: string, { out, param, file, force }: EnvOptions): Promise<ExitCode> {
  const { existsSync } = await import('node:fs');
  const { loadSource } = await import('../appliance/source.js');
  const { parametersFromWords, resolveParameters } = await import('../appliance/parameters.js');
  const { inputFilesFromWords } = await import('../instance/input-files.js');
  const { writeParameterDisc } = await import('../instance/parameter-disc.js');
  if (existsSync(out) && !force)
    throw new GvaError('OUT_EXISTS', `${out} exists already`, { hint: 'Replace it: --force' });
  const { appliance, ...source } = await loadSource(path);
  const parameters = resolveParameters(appliance, parametersFromWords(appliance, param));
  const files = await inputFilesFromWords(file);
  const isForeign = source.kind === 'package' && !source.isGva;
  const kind = isForeign ? 'plain' : 'contract';
  await writeParameterDisc({ id: appliance.name, parameters, files }, kind, out);
  return ExitCode.ok;
}
