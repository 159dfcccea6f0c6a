import type { Command } from 'commander';
import type { SweepSummary } from '../model/sweep.js';
import { ExitCode, GvaError } from '../system/errors.js';
import { act, printJson } from './action.js';
import { type InstanceOptions, addInstanceOptions, instanceLimits } from './instance-options.js';

interface SweepRunOptions extends InstanceOptions {
  out: string;
  jobs?: string;
  appliance?: string;
  yes?: boolean;
}

export function addSweepCommand(program: Command): void {
  const sweep = program.command('sweep').description('one instance for each point of a plan');
  const run = sweep
    .command('run')
    .argument('<plan>', 'plan (YAML), table (CSV, TSV, JSON Lines) or Nimrod plan')
    .description(
      'run the points of a plan side by side; again with the same folder, go on with what is missing',
    )
    .requiredOption('-o, --out <dir>', 'folder for the results: new, empty, or of this sweep')
    .option('-j, --jobs <number>', 'instances at once (default: as CPUs and free memory allow)');
  addInstanceOptions(run)
    .option('-a, --appliance <dir>', 'appliance folder, where the plan names none or another')
    .option('--yes', 'run a plan of more than a million points')
    .option('--force', 'run the points that are done again, too')
    .option('--json', 'print a summary as one JSON document on standard output, and nothing else')
    .addHelpText('after', examples)
    .action((plan: string, options: SweepRunOptions) =>
      act(options.json ?? false, (signal) => runPlan(plan, options, signal)),
    );
}

const examples = `
Examples:
  gva sweep run square/plan.yaml --out squares
  gva sweep run plan.yaml --out runs -j 8 --timeout 15m
  gva sweep run plan.yaml --out runs --json | jq .counts

A plan:
  appliance: ./square          # folder, relative to the plan
  parameters:                  # crossed; those left out have their defaults
    n: { range: [1, 12] }      # inclusive; optional third number: step
    mode: [fast, exact]
  files: [table.txt]           # optional: on the parameter CD of every point

The folder gets results.csv, a row for each point, and the results of each under points/. A point that is
done is not run again unless the appliance, its base, the parameters or the files have changed.

Exit status: 0 all points done, 1 the application failed at some, 69 some were lost by the infrastructure,
2 wrong usage or input, 130 interrupted.`;

async function runPlan(path: string, options: SweepRunOptions, signal: AbortSignal): Promise<ExitCode> {
  const { readPlan } = await import('../sweep/plan/plan.js');
  const { checkPlanSize } = await import('../sweep/plan/size.js');
  const { hostRoom, instancesAtOnce } = await import('../sweep/parallelism.js');
  const { runSweep } = await import('../sweep/run-sweep.js');
  const { SweepView } = await import('./sweep-view.js');
  const { openAppliance } = await import('./open-appliance.js');

  const limits = instanceLimits(options);
  const jobs = options.jobs === undefined ? undefined : jobsNumber(options.jobs);
  const plan = await readPlan(path, options);
  checkPlanSize(plan, options.yes ?? false);
  for (const note of plan.notes()) console.error(`note: ${note}`);
  const { appliance } = plan.source;
  const { prepared, vmm } = await openAppliance(plan.source, options);
  const parallel = jobs ?? instancesAtOnce(appliance, hostRoom());
  using view = new SweepView(process.stderr, options.json ?? false);
  view.title(appliance, vmm);
  signal.addEventListener('abort', () => view.interrupted(), { once: true });
  const flags = { force: options.force ?? false, keep: options.keep ?? false };
  const spec = { plan, prepared, out: options.out, parallel, limits, ...flags };
  const summary = await runSweep(spec, vmm, (event) => view.event(event), signal);
  view.end(summary);
  if (options.json) printJson(summary);
  return exitCodeOfSweep(summary);
}

function jobsNumber(text: string): number {
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text);
  throw new GvaError('USAGE', `-j ${text} is no number of instances`, { hint: 'For example: -j 4' });
}

/** What was lost may yet be done, so it counts for more than what failed. */
export function exitCodeOfSweep({ interrupted, counts }: SweepSummary): ExitCode {
  if (interrupted) return ExitCode.interrupted;
  if (counts.lost > 0) return ExitCode.infrastructure;
  return counts.failed > 0 ? ExitCode.application : ExitCode.ok;
}
