import { basename, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import type { SweepEvent, SweepSummary } from '../../model/sweep.js';
import type { SweepStatus } from '../../model/sweep-status.js';
import type { Plan } from '../../sweep/plan/plan.js';
import { ExitCode, GvaError, messageOf } from '../../system/errors.js';
import { type StopSignals, act, actInStages, printJson } from '../action.js';
import { type InstanceOptions, addInstanceOptions, instanceLimits, startWish } from '../instance-options.js';

/** How a sweep is run, whether for the first time or again. */
export interface SweepRunOptions extends InstanceOptions {
  out: string;
  name?: string;
  jobs?: string;
  appliance?: string;
  yes?: boolean;
  /** False: `--no-cache`. */
  cache: boolean;
  attempts?: string;
  retryFailed?: string;
  retryTimeouts?: boolean;
  maxFailures?: string;
  stopWhen?: string;
}

/** How the process itself goes about it. */
export interface ProcessOptions {
  json?: boolean;
  detach?: boolean;
  /** This is the process in the background. */
  background?: boolean;
}

export function addRunCommand(sweep: Command): void {
  const run = sweep
    .command('run')
    .argument('<plan>', 'plan (YAML), table (CSV, TSV, JSON Lines) or Nimrod plan')
    .description(
      'run the points of a plan side by side; again with the same folder, go on with what is missing',
    )
    .requiredOption('-o, --out <dir>', 'folder for the results: new, empty, or of this sweep')
    .option('--name <name>', 'name of the sweep (default: the last part of the folder)')
    .option('-j, --jobs <number>', 'instances at once (default: as CPUs and free memory allow)');
  addInstanceOptions(run)
    .option('-a, --appliance <dir>', 'appliance folder, where the plan names none or another')
    .option('--yes', 'run a plan of more than a million points')
    .option('--force', 'run the points that are done again, too')
    .option('--no-cache', 'neither take results of other sweeps nor let them take those of this one')
    .option('--attempts <number>', 'times that a point may be lost before it is set aside (default: 3)')
    .option('--retry-failed <number>', 'run a point again, so many times, when its application fails')
    .option('--retry-timeouts', 'run a point again that ran into its time limit')
    .option('--max-failures <limit>', 'stop when so many points have failed or are lost: 10, 5%')
    .option('--stop-when <expression>', "stop when it holds at a point's end, such as 'error < 0.01'");
  addProcessOptions(run)
    .addHelpText('after', examples)
    .action((plan: string, options: SweepRunOptions & ProcessOptions) =>
      runHereOrDetached(options.out, options, (signals) => runPlan(plan, options, signals)),
    );
}

/** Options of a command that runs a sweep. */
export function addProcessOptions(command: Command): Command {
  return command
    .option('--detach', 'run in the background, also when you log out; what it says goes to sweep.log')
    .addOption(new Option('--background').hideHelp())
    .option('--json', 'print a summary as one JSON document on standard output, and nothing else');
}

/** Does the work in this process, or has another one do it in the background. */
export function runHereOrDetached(
  folder: string,
  { json = false, detach = false, background = false }: ProcessOptions,
  work: (signals: StopSignals) => Promise<ExitCode>,
): Promise<void> {
  if (!detach) return actInStages(json, work, { ignoreHangup: background });
  return act(json, async (signal) => {
    const { detachSweep } = await import('./detach.js');
    return await detachSweep(folder, json, signal);
  });
}

const examples = `
Examples:
  gva sweep run square/plan.yaml --out squares
  gva sweep run plan.yaml --out runs -j 8 --timeout 15m
  gva sweep run plan.yaml --out runs --json | jq .counts
  gva sweep run plan.yaml --out runs --detach && gva sweep watch runs

A plan:
  appliance: ./square          # folder, relative to the plan
  parameters:                  # crossed; those left out have their defaults
    n: { range: [1, 12] }      # inclusive; optional third number: step
    mode: [fast, exact]
  files: [table.txt]           # optional: on the parameter CD of every point

The folder gets results.csv, a row for each point, and the results of each under points/. A point that is
done is not run again unless the appliance, its base, the parameters or the files have changed.

Ctrl-C once: what runs comes to its end, and the sweep stops; twice: what runs is ended at once. The same command goes
on with the rest. With --detach it goes on when you log out, unless the host ends all processes of a user then
(systemd: loginctl enable-linger).

Exit status: 0 all points done, 1 the application failed at some, 69 some were lost by the infrastructure,
2 wrong usage or input, 130 interrupted.`;

/**
 * @param unchanged text that the plan must have
 */
export async function runPlan(
  path: string,
  options: SweepRunOptions,
  signals: StopSignals,
  unchanged?: string,
): Promise<ExitCode> {
  const { readPlan } = await import('../../sweep/plan/plan.js');
  const { checkPlanSize } = await import('../../sweep/plan/size.js');
  const { runSweep } = await import('../../sweep/run-sweep.js');
  const { SweepView } = await import('./run-view.js');
  const { openAppliance } = await import('../open-appliance.js');
  const { retryLimits, savedOptions, stopWishes } = await import('./run-limits.js');

  const limits = instanceLimits(options);
  const jobs = options.jobs === undefined ? undefined : jobsNumber(options.jobs);
  const [retry, stop] = [retryLimits(options), stopWishes(options)];
  const name = await nameOf(options);
  const plan = await readPlan(path, options);
  if (unchanged !== undefined) checkUnchanged(plan, unchanged, options.out);
  checkPlanSize(plan, options.yes ?? false);
  for (const note of plan.notes()) console.error(`note: ${note}`);
  const { appliance } = plan.source;
  const { prepared, vmm } = await openAppliance(plan.source, options);
  using view = new SweepView(process.stderr, options.json ?? false);
  view.title(appliance, vmm);
  signals.finish.addEventListener('abort', () => view.finishing(), { once: true });
  signals.abort.addEventListener('abort', () => view.interrupted(), { once: true });
  const flags = { force: options.force ?? false, keep: options.keep ?? false, shared: options.cache };
  const work = { plan, prepared, name, out: options.out, jobs, limits, retry, stop, ...flags };
  const onStatus = (status: SweepStatus) => view.progress(status);
  const start = await startWish(options.start, (text) => view.note(text));
  const spec = { ...work, start, options: savedOptions(name, options), onStatus };
  let remembered: Promise<void> | undefined;
  const onEvent = (event: SweepEvent) => {
    if (event.event === 'begun') remembered = remember(name, options.out);
    view.event(event);
  };
  const summary = await runSweep(spec, vmm, onEvent, signals);
  await remembered;
  view.end(summary);
  if (options.json) printJson(summary);
  return exitCodeOfSweep(summary);
}

/** A name that was given once stays. */
async function nameOf({ name, out }: SweepRunOptions): Promise<string> {
  if (name === undefined) {
    const { readSavedRun } = await import('../../sweep/observe/saved-options.js');
    const saved = await readSavedRun(out).catch(() => undefined);
    return saved?.options?.name ?? basename(resolve(out));
  }
  if (/^[A-Za-z0-9][\w.-]{0,63}$/.test(name)) return name;
  throw new GvaError('USAGE', `--name ${name} is no name of a sweep`, {
    hint: 'Up to 64 letters, digits, points, dashes and underscores, such as squares-2',
  });
}

function checkUnchanged(plan: Plan, text: string, folder: string): void {
  if (plan.text === text) return;
  throw new GvaError('PLAN_CHANGED', `the plan ${plan.file} has changed since the sweep was run`, {
    hint: `To take the new one: gva sweep run PLAN --out ${folder}. The old one is in its sweep.json (plan.text).`,
  });
}

/** A sweep runs as well where nothing can be written to the user's folders. */
async function remember(name: string, folder: string): Promise<void> {
  const { rememberSweep } = await import('../../sweep/observe/registry.js');
  await rememberSweep(name, folder).catch((error: unknown) =>
    console.error(`note: gva sweep list will not show this sweep: ${messageOf(error)}`),
  );
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
