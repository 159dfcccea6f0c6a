import type { Command } from 'commander';
import { ExitCode } from '../system/errors.js';
import { act } from './action.js';

export function addInitCommand(program: Command): void {
  program
    .command('init')
    .argument('<dir>', 'folder to make')
    .description('make an appliance folder that works, to be changed into your own')
    .addHelpText('after', '\nExample:\n  gva init square && gva run square --param n=12')
    .action((dir: string) => act(false, () => init(dir)));
}

async function init(dir: string): Promise<ExitCode> {
  const { createAppliance } = await import('../appliance/create.js');
  await createAppliance(dir);
  console.error(
    `Made ${dir}/. Try it: gva run ${dir} --param n=12; or a sweep: gva sweep run ${dir}/plan.yaml --out ${dir}-sweep`,
  );
  return ExitCode.ok;
}
