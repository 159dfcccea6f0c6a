import { resolve } from 'node:path';
import type { Command } from 'commander';
import { ExitCode } from '../../system/errors.js';
import { formatSize } from '../../system/units.js';
import { act, printJson } from '../action.js';
import { findInstance } from './connect.js';

export function addSnapshotCommand(program: Command): void {
  program
    .command('snapshot-output')
    .argument('<instance>', 'name of an instance that runs: gva ps')
    .argument('<dir>', 'folder for it: new, or empty')
    .description('bring the output of an instance home, as it is now; the instance runs on')
    .option('--json', 'print what was found as one JSON document on standard output, and nothing else')
    .addHelpText(
      'after',
      `
Examples:
  gva snapshot-output fold-4711 so-far

All files are of one moment: the guest waits with its writing while its disk is copied. They are in so-far/output, checked as
at the end of an instance.`,
    )
    .action((instance: string, out: string, { json = false }: { json?: boolean }) =>
      act(json, () => snapshotOutput(instance, out, json)),
    );
}

async function snapshotOutput(name: string, out: string, json: boolean): Promise<ExitCode> {
  const { snapshot } = await import('../../instance/control/client.js');
  const found = await snapshot(await findInstance(name), resolve(out));
  const { files, bytes, findings, pause } = found;
  if (json) printJson(found);
  else {
    const noted = findings > 0 ? `, ${findings} findings in ${out}/snapshot.json` : '';
    const many = `${files} file${files === 1 ? '' : 's'}`;
    console.error(`${many}, ${formatSize(bytes)} in ${out}/output${noted}; the guest waited for ${pause} s`);
  }
  return ExitCode.ok;
}
