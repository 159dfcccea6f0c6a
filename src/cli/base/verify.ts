import type { Command } from 'commander';
import type { Base } from '../../base/store.js';
import { bootsOf } from '../../model/base.js';
import { ExitCode, GvaError } from '../../system/errors.js';
import type { ChosenVmm } from '../../vmm/choose.js';
import { printable } from '../../vmm/console-ring.js';
import { act, printJson } from '../action.js';
import { entriesNamed } from './reference.js';

interface VerifyOptions {
  boot: boolean;
  json?: boolean;
}

export function addVerifyCommand(base: Command): void {
  base
    .command('verify')
    .argument('<base>', 'NAME, or NAME@DIGEST')
    .description('check every byte of a base image, and that it keeps the guest contract, by booting it')
    .option('--no-boot', 'only check its bytes')
    .option('--json', 'print what was found as one JSON document')
    .addHelpText('after', examples)
    .action((reference: string, options: VerifyOptions) =>
      act(options.json ?? false, (signal) => verify(reference, options, signal)),
    );
}

const examples = `
Examples:
  gva base verify micro
  gva base verify numpy --no-boot

It is booted once under each virtual machine monitor that works here and that the base is for.
Exit status: 0 all is well, 1 something is not (said on standard error), 2 there is no such base, 69 none of the virtual
machine monitors works here.`;

interface Check {
  /** `digests`, or a VMM. */
  readonly what: string;
  readonly problems: readonly string[];
}

async function verify(reference: string, options: VerifyOptions, signal: AbortSignal): Promise<ExitCode> {
  const { loadBaseFolder } = await import('../../base/store.js');
  const { verifyFiles } = await import('../../base/verify.js');
  const [entry] = await entriesNamed(reference);
  const base = await loadBaseFolder(entry.folder);
  const checks: Check[] = [];
  const add = (check: Check) => {
    checks.push(check);
    if (!options.json) showCheck(check);
  };
  add({ what: 'digests', problems: await verifyFiles(base, signal) });
  // What is damaged is not booted.
  const sound = () => checks.every(({ problems }) => problems.length === 0);
  if (options.boot && sound()) await boot(base, add, signal);
  if (options.json) printJson({ name: base.name, digest: base.digest, sound: sound(), checks });
  return sound() ? ExitCode.ok : ExitCode.application;
}

function showCheck({ what, problems }: Check): void {
  console.error(`${what}: ${problems.length === 0 ? 'as it should be' : 'not as it should be'}`);
  for (const problem of problems) console.error(`  ${printable(problem)}`);
}

async function boot(base: Base, add: (check: Check) => void, signal: AbortSignal): Promise<void> {
  const { verifyContract } = await import('../../instance/verify-contract.js');
  const limits = { boot: 300, total: 600, powerOff: 60 };
  for (const vmm of await usableVmms(base)) {
    const { checks } = await verifyContract(base, vmm, { limits }, signal);
    const problems = checks.flatMap(({ what, problem }) =>
      problem === undefined ? [] : [`${what}: ${problem}`],
    );
    add({ what: vmm.driver.name, problems });
  }
}

/** @throws GvaError where there is none */
async function usableVmms(base: Base): Promise<ChosenVmm[]> {
  const { chooseForBase } = await import('../../library/vmms.js');
  const names = ['qemu', ...(bootsOf(base).includes('uml') ? ['uml'] : [])];
  const usable: ChosenVmm[] = [];
  let failure: unknown;
  for (const vmm of names)
    try {
      usable.push(await chooseForBase(base, { vmm, cpus: 1 }));
    } catch (error) {
      if (!(error instanceof GvaError)) throw error;
      failure = error;
    }
  if (usable.length === 0) throw failure;
  return usable;
}
