import { type Command, Option } from 'commander';
import type { DiskFormat } from '../appliance/convert.js';
import { ExitCode } from '../system/errors.js';
import { act, printJson } from './action.js';
import { type LimitOptions, addLimitOptions, packageLimits } from './package-limits.js';

interface ConvertOptions extends LimitOptions {
  to: DiskFormat;
  json?: boolean;
}

export function addConvertCommand(program: Command): void {
  const formats = new Option('--to <format>', 'format of the files').choices(['raw', 'qcow2', 'vmdk', 'vdi']);
  const command = program
    .command('convert')
    .argument('<package>', 'an .ova, an .ovf, or a folder with one')
    .argument('<dir>', 'folder for the disks')
    .description('write the disks of a package in another format')
    .addOption(formats.makeOptionMandatory())
    .option('--json', 'print the files as one JSON document');
  addLimitOptions(command)
    .addHelpText('after', examples)
    .action((path: string, dir: string, options: ConvertOptions) =>
      act(options.json ?? false, (signal) => convert(path, dir, options, signal)),
    );
}

const examples = `
Examples:
  gva convert square.ova --to raw disks && gva ls disks/app.raw
  gva convert appliance.ova --to qcow2 /var/tmp/disks

qcow2 and vdi are written by qemu-img, from raw images of GVA's own making.`;

async function convert(
  path: string,
  dir: string,
  options: ConvertOptions,
  signal: AbortSignal,
): Promise<ExitCode> {
  const { convertPackage } = await import('../appliance/convert.js');
  const say = (file: string) => {
    if (!options.json) console.error(file);
  };
  const limits = packageLimits(options);
  const disks = await convertPackage(path, options.to, dir, say, { limits, signal });
  if (options.json) printJson(disks);
  return ExitCode.ok;
}
