import type { Command } from 'commander';
import { ExitCode } from '../system/errors.js';
import { act, printJson } from './action.js';
import { StatusLine } from './status-line.js';

interface DoctorOptions {
  fresh?: boolean;
  qemu?: string;
  json?: boolean;
}

export function addDoctorCommand(program: Command): void {
  program
    .command('doctor')
    .description('say what can run guests on this machine, how fast, and what is missing')
    .option('--fresh', 'try and measure everything again')
    .option('--qemu <dir>', 'folder with a QEMU of your own (its --prefix)')
    .option('--json', 'print the report as one JSON document on standard output, and nothing else')
    .addHelpText(
      'after',
      '\nExamples:\n  gva doctor\n  gva doctor --json | jq -r .vmms[].verdict\n\nExit status: 0 if a guest can be run, 69 if none can.',
    )
    .action((options: DoctorOptions) => act(options.json ?? false, (signal) => runDoctor(options, signal)));
}

async function runDoctor(options: DoctorOptions, signal: AbortSignal): Promise<ExitCode> {
  const { examine } = await import('../vmm/doctor/report.js');
  const { doctorText } = await import('./doctor-view.js');
  const { vmmDrivers } = await import('../library/vmms.js');
  using status = new StatusLine(process.stderr);
  const say = (step: string) => {
    if (options.json) return;
    if (status.live) status.show(`trying ${step} ...`);
    else status.print(`trying ${step}`);
  };
  const report = await examine({
    ...{ fresh: options.fresh ?? false, qemu: options.qemu, say, signal },
    drivers: (base) => vmmDrivers(base, options.qemu),
  });
  status.show('');
  if (options.json) printJson(report);
  else process.stdout.write(doctorText(report));
  return report.vmms.some(({ verdict }) => verdict === 'works') ? ExitCode.ok : ExitCode.infrastructure;
}
