import type { Command } from 'commander';
import { ExitCode } from '../system/errors.js';
import { act, printJson } from './action.js';
import { addLimitOptions, type LimitOptions, packageLimits } from './package-limits.js';

interface InspectOptions extends LimitOptions {
  deploymentOption?: string;
  json?: boolean;
}

export function addInspectCommand(program: Command): void {
  const command = program
    .command('inspect')
    .argument('<package>', 'an .ova, an .ovf, or a folder with one')
    .description('say what a package is, and what is wrong with it')
    .option('--deployment-option <id>', 'show it with this hardware, where it offers several')
    .option('--json', 'print all that is known as one JSON document');
  addLimitOptions(command)
    .addHelpText('after', help)
    .action((path: string, options: InspectOptions) =>
      act(options.json ?? false, (signal) => inspect(path, options, signal)),
    );
}

const help = `
Reads packages of VMware, VirtualBox, oVirt and others, OVF 0.9 to 2, and never starts or fetches anything. Digests
and the signature are checked; nothing in a package is believed before.

Examples:
  gva inspect square.ova
  gva inspect appliance.ova --json | jq .parameters

Exit status: 0 gva run takes it, 1 it is refused, 2 wrong usage, or no package that can be read.`;

async function inspect(path: string, options: InspectOptions, signal: AbortSignal): Promise<ExitCode> {
  const { examinePackage } = await import('../appliance/package/examine.js');
  const { reportOf } = await import('../appliance/package/report.js');
  const limits = packageLimits(options);
  await using pkg = await examinePackage(path, { limits, configuration: options.deploymentOption, signal });
  const report = await reportOf(pkg);
  if (options.json) printJson(report);
  else {
    const { inspectText } = await import('./inspect-view.js');
    process.stdout.write(inspectText(report));
  }
  return report.runnable ? ExitCode.ok : ExitCode.application;
}
