import { basename, resolve } from 'node:path';
import type { Command } from 'commander';
import type { SweepEvent, SweepSummary } from '../../model/sweep.js';
import type { SweepStatus } from '../../model/sweep-status.js';
import type { Plan } from '../../sweep/plan/plan.js';
import type { SweepSpec } from '../../sweep/run-sweep.js';
import { ExitCode, GvaError, messageOf } from '../../system/errors.js';
import { type StopSignals, act, actInStages } from '../action.js';
import { EventLines } from './event-lines.js';
import { type GridWords, addGridOptions, checkGridWords, withChosenGrid } from './grid-options.js';
import {
  type InstanceOptions,
  addInstanceOptions,
  checkpointInterval,
  collectInterval,
  instanceLimits,
  startWish,
} from '../instance-options.js';
import { dryRunOf, openPlace, pinnedBase } from './place.js';
import {
  type ProcessOptions,
  type SweepRunOptions,
  addProcessOptions,
  gatherOption,
  keepOption,
  poolOption,
} from './run-options.js';
import { applySignatureWish, checkSignatureWish, requireSignature } from '../signature-wish.js';

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
    .addOption(keepOption())
    .addOption(poolOption())
    .addOption(gatherOption())
    .option(...requireSignature)
    .option('--yes', 'run a plan of more than a million points without asking')
    .option('--force', 'run the points that are done again, too')
    .option('--no-cache', 'neither take results of other sweeps nor let them take those of this one')
    .option('--attempts <number>', 'times that a point may be lost before it is set aside (default: 3)')
    .option('--retry-failed <number>', 'run a point again, so many times, when its application fails')
    .option('--retry-timeouts', 'run a point again that ran into its time limit')
    .option('--max-failures <limit>', 'stop when so many points have failed or are lost: 10, 5%')
    .option('--stop-when <expression>', "stop when it holds at a point's end, such as 'error < 0.01'");
  addProcessOptions(addGridOptions(run))
    .addHelpText('after', examples)
    .action(async (plan: string, said: SweepRunOptions & ProcessOptions) => {
      // Needed outside the work, too; what is wrong with the configuration is told by the work.
      const chosen = withChosenGrid(said);
      await runHereOrDetached(said.out, await chosen.catch(() => said), async (signals, lines) =>
        runPlan(plan, await chosen, { signals, lines }),
      );
    });
}

/** Does the work in this process, or has another one do it in the background. */
export function runHereOrDetached(
  folder: string,
  {
    json = false,
    detach = false,
    background = false,
    grid,
    checkpointEvery,
  }: ProcessOptions & Pick<GridWords, 'grid'> & Pick<InstanceOptions, 'checkpointEvery'>,
  work: (signals: StopSignals, lines: EventLines | undefined) => Promise<ExitCode>,
): Promise<void> {
  // Jobs of a grid go on by themselves.
  if (!detach || grid !== undefined) {
    const lines = json ? new EventLines(process.stdout) : undefined;
    const onError = lines && { onError: (error: GvaError) => lines.fail(error) };
    const saves = checkpointEvery !== undefined && grid === undefined;
    return actInStages((signals) => work(signals, lines), { ignoreHangup: background, saves, ...onError });
  }
  return act(json, async (signal) => {
    const { detachSweep } = await import('./detach.js');
    return await detachSweep(folder, json, signal);
  });
}

const examples = `
Examples:
  gva sweep run square/plan.yaml --out squares
  gva sweep run plan.yaml --out runs -j 8 --timeout 15m
  gva sweep run plan.yaml --out runs -j 1 --vmm qemu --start warm --pool on
  gva sweep run plan.yaml --out runs --json | jq 'select(.event == "summary").counts'
  gva sweep run plan.yaml --out runs --detach && gva sweep watch runs
  gva sweep run plan.yaml --out runs --checkpoint-every 10m     # after a crash: gva sweep resume runs
  gva sweep run plan.yaml --out runs --grid slurm --partition batch --time 2h

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

When all points have ended, the plan's gather step is run: an appliance that gets all outputs as its data disk, or, with
--gather, a command on this host.

Exit status: 0 all points done, 1 the application failed at some or the gather step failed, 69 some were lost by the
infrastructure, 2 wrong usage or input, 130 interrupted.`;

/** As the command says, else the plan, else the appliance. @throws GvaError USAGE */
function collecting(options: SweepRunOptions, { source, collectEvery }: Plan): number | undefined {
  if (options.grid === undefined)
    return collectInterval(options, collectEvery === undefined ? source.appliance : { collectEvery });
  if (options.collectEvery === undefined) return undefined;
  throw new GvaError('USAGE', '--collect-every is for sweeps on this machine, not on a grid', {
    hint: 'Leave it out: results of points come home as they end.',
  });
}

const savingOf = (
  checkpointEvery: number | undefined,
  collectEvery: number | undefined,
): Pick<SweepSpec, 'checkpointEvery' | 'collectEvery'> => ({
  ...(checkpointEvery === undefined ? {} : { checkpointEvery }),
  ...(collectEvery === undefined ? {} : { collectEvery }),
});

/** Who is told of a sweep, and who may end it. */
interface Surroundings {
  readonly signals: StopSignals;
  /** For programs. */
  readonly lines?: EventLines | undefined;
}

/**
 * @param unchanged text that the plan must have
 */
export async function runPlan(
  path: string,
  options: SweepRunOptions,
  { signals, lines }: Surroundings,
  unchanged?: string,
): Promise<ExitCode> {
  const { agreeOnSize, talkOf } = await import('./plan-size.js');
  const { conductSweep } = await import('../../sweep/run-sweep.js');
  const { SweepView } = await import('./run-view.js');
  const { showGathered } = await import('./gather-view.js');
  const { retryLimits, savedOptions, stopWishes } = await import('./run-limits.js');
  const { keepHeapSmall } = await import('../../system/small-heap.js');
  const { baseChoice } = await import('../base-choice.js');

  keepHeapSmall();
  checkGridWords(options);
  const limits = instanceLimits(options);
  const every = checkpointInterval(options);
  const jobs = options.jobs === undefined ? undefined : jobsNumber(options.jobs);
  const [retry, stop] = [retryLimits(options), stopWishes(options)];
  const name = await nameOf(options);
  const plan = await readTrustedPlan(path, options);
  if (unchanged !== undefined) checkUnchanged(plan, unchanged, options.out);
  await agreeOnSize(plan, options.yes ?? false, talkOf(lines !== undefined), signals.finish);
  for (const note of plan.notes()) console.error(`note: ${note}`);
  const { appliance } = plan.source;
  const gather = await gatherSpec(plan, options, signals.abort);
  const { grid } = options;
  if (options.dryRun && grid !== undefined)
    return await dryRunOf(name, { ...options, grid }, { plan, out: options.out, limits }, signals);
  const { prepared, conducting } = await openPlace(plan, name, options, {
    ...baseChoice(options, signals.abort),
    pinned: await pinnedBase(options.out, unchanged !== undefined),
  });
  const saving = savingOf(every, collecting(options, plan));
  using view = new SweepView(process.stderr, lines !== undefined, options.grid);
  view.title(appliance, conducting.vmm);
  signals.finish.addEventListener('abort', () => view.finishing(), { once: true });
  signals.abort.addEventListener('abort', () => view.interrupted(), { once: true });
  const keeping = { keep: options.keep ?? plan.keep ?? 'files', keepDisks: options.keepDisks ?? false };
  const flags = { ...keeping, force: options.force ?? false, shared: options.cache };
  const takeOver = options.takeOver ?? false;
  const work = { plan, prepared, name, out: options.out, jobs, limits, retry, stop, takeOver, ...flags };
  const onStatus = (status: SweepStatus) => {
    view.progress(status);
    lines?.progress(status);
  };
  const start = await startWish(options.start, (text) => view.note(text));
  const { ControlServer } = await import('../../instance/control/server.js');
  await using control = options.grid === undefined ? await ControlServer.listen() : undefined;
  const spec = {
    ...{ ...work, ...gather, ...saving, start, onStatus },
    ...(control ? { control } : {}),
    // A machine that waited was not started so that it can be saved, or spoken to.
    pool: Object.keys(saving).length === 0 ? options.pool : 'off',
    options: savedOptions(name, options),
  };
  let remembered: Promise<void> | undefined;
  const onEvent = (event: SweepEvent) => {
    if (event.event === 'begun') remembered = remember(name, options.out);
    view.event(event);
    lines?.event(event);
  };
  const summary = await conductSweep(spec, conducting, onEvent, signals);
  await remembered;
  view.end(summary);
  await showGathered(summary, lines !== undefined);
  await lines?.end(summary);
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

async function readTrustedPlan(path: string, options: SweepRunOptions): Promise<Plan> {
  const { readPlan } = await import('../../sweep/plan/plan.js');
  applySignatureWish(options);
  const plan = await readPlan(path, options);
  checkSignatureWish(plan.source, options);
  return plan;
}

/** The gather step of the plan, and whether it may be run; an appliance keeps to itself. */
async function gatherSpec(
  { gather, name }: Plan,
  options: SweepRunOptions,
  signal: AbortSignal,
): Promise<Pick<SweepSpec, 'gather'>> {
  const consent = options.gather ?? false;
  if (!gather) {
    if (!consent) return {};
    throw new GvaError('USAGE', `--gather: the plan ${name} has no gather step`, {
      hint: 'It is an entry gather: of the plan. To gather otherwise afterwards: gva sweep gather --help',
    });
  }
  const { openGatherStep } = await import('../../library/gather-step.js');
  // The time limit is that of a point.
  const limits = { ...instanceLimits(options), total: undefined };
  const { baseChoice } = await import('../base-choice.js');
  const how = { base: baseChoice(options, signal), limits, signal };
  const step = await openGatherStep(gather, options, how);
  return { gather: { step, allowed: consent || step.kind === 'appliance' } };
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
export function exitCodeOfSweep({ interrupted, counts, gathered, jobs }: SweepSummary): ExitCode {
  if (interrupted) return ExitCode.interrupted;
  // What has ended by now says little of what will.
  if (jobs) return jobs.unsubmitted > 0 ? ExitCode.infrastructure : ExitCode.ok;
  if (counts.lost > 0 || gathered?.state === 'lost') return ExitCode.infrastructure;
  return counts.failed > 0 || gathered?.state === 'failed' ? ExitCode.application : ExitCode.ok;
}
