import type { Command } from 'commander';
import { ExitCode } from '../system/errors.js';
import { act } from './action.js';
import { showFindings } from './findings-view.js';

export function addUnpackCommand(program: Command): void {
  program
    .command('unpack')
    .argument('<package>', 'a package that GVA made')
    .argument('<folder>', 'appliance folder to make')
    .description('make the appliance folder again that a package was packed from')
    .addHelpText('after', examples)
    .action((path: string, folder: string) => act(false, (signal) => unpack(path, folder, signal)));
}

const examples = `
Example:
  gva unpack square.ova square && gva pack square -o again.ova

Where the launcher is not the one that gva.yaml gives, it becomes the folder's autorun.sh.

Exit status: 0 all of it is there, 1 something could not be brought out as it is (told as warnings), 2 wrong input.`;

async function unpack(path: string, folder: string, signal: AbortSignal): Promise<ExitCode> {
  const { unpackAppliance } = await import('../appliance/unpack.js');
  const findings = await unpackAppliance(path, folder, signal);
  showFindings(findings, findings.length);
  console.error(`Made ${folder}/.`);
  return findings.length > 0 ? ExitCode.application : ExitCode.ok;
}
