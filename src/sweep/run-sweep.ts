import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { dropNeed, noteNeed } from '../base/needs.js';
import { removeAbandonedHistory } from '../instance/history/past-runs.js';
import { removeAbandoned } from '../instance/scratch.js';
import type { InstanceSpec } from '../instance/instance-spec.js';
import type { PreparedAppliance } from '../instance/prepare.js';
import { type StartWish, worthTemplate } from '../instance/start.js';
import type { WatchLimits } from '../instance/watch.js';
import type { KeepKind } from '../model/keep.js';
import type { PoolChoice } from '../model/start.js';
import type { SweepEvent, SweepManifest, SweepNote, SweepSummary } from '../model/sweep.js';
import type { SweepStatus } from '../model/sweep-status.js';
import { pointFolder, scratchFolder, sweepFiles } from '../system/paths.js';
import type { ChosenVmm } from '../vmm/choose.js';
import type { Conduct, ConductParts, Conductor, EndSignals } from './conductor.js';
import { identityOf } from './done-points.js';
import { type GatherSpec, Gathering } from './gathering.js';
import { KnownResults } from './known-results.js';
import { describeSweep } from './manifest.js';
import { onThisHost } from './on-this-host.js';
import { openStore } from './open-store.js';
import { checkLaterFiles } from './plan/check-files.js';
import { checkSortable, sortPoints } from './plan/ordered.js';
import type { Plan } from './plan/plan.js';
import { countPoints } from './plan/points.js';
import { reconcile } from './reconcile.js';
import { takeRequests } from './requests.js';
import { CurrentTable } from './results/current-table.js';
import { ResultsFile } from './results/results-file.js';
import type { ResultsSource } from './results/table.js';
import { Progress } from './schedule/progress.js';
import type { RetryLimits } from './schedule/retry-policy.js';
import { StopConditions, type StopWishes } from './schedule/stop-conditions.js';
import { StatusFile, type StatusParts } from './status-file.js';
import type { SweepStore } from './store/store.js';
import { runPoint } from './run-point.js';
import { type SweepFolder, openSweepFolder } from './sweep-folder.js';

export interface SweepSpec {
  readonly plan: Plan;
  readonly prepared: PreparedAppliance;
  readonly name: string;
  /** Folder of the sweep: new, empty, or of this sweep. */
  readonly out: string;
  /** Instances at once, at most; as the host has room for where undefined. */
  readonly jobs: number | undefined;
  /** Of each instance. */
  readonly limits: WatchLimits;
  /** Run what is done again. */
  readonly force: boolean;
  /** How the output of points that are run is kept; what is kept otherwise already stays so. */
  readonly keep: KeepKind;
  /** Keep the disks as the guests left them, with the results. */
  readonly keepDisks: boolean;
  /** Take results of other sweeps, and let them take those of this one. */
  readonly shared: boolean;
  /** Take the folder from a process of another host that has not been heard of for long. */
  readonly takeOver?: boolean;
  readonly retry: RetryLimits;
  readonly stop: Pick<StopWishes, 'maxFailures' | 'when'>;
  /** What is done with all outputs at the end. */
  readonly gather?: GatherSpec;
  /** Cold where absent. Whether `auto` makes a template follows from the number of points that are to be run. */
  readonly start?: StartWish;
  /** Where others can address the instances. */
  readonly control?: InstanceSpec['control'];
  /** Off where absent. */
  readonly pool?: PoolChoice;
  /** Seconds between checkpoints of each instance; none are taken where absent, and none gone on from. */
  readonly checkpointEvery?: number;
  /** Seconds after which the output of each running instance is brought home, again and again; not where absent. */
  readonly collectEvery?: number;
  /** How it is run, as the words of the command: kept in sweep.json, for going on. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** Told about once a second how the sweep stands. */
  readonly onStatus?: (status: SweepStatus) => void;
}

/**
 * Runs the points of a plan side by side, each into a folder of its own, and keeps store, status and results.csv. A
 * point that is done is not run again while it is the same work; every other one is. However it ends, the same call
 * goes on where this one ended.
 *
 * @param engine runs the instance of one point
 * @throws GvaError where the folder cannot be used, and SWEEP_STOPPED where this host can run no more points;
 *   what becomes of single points is in the summary and the table
 */
export function runSweep(
  spec: SweepSpec,
  vmm: ChosenVmm,
  onEvent: (event: SweepEvent) => void,
  signals: EndSignals,
  engine = runPoint,
): Promise<SweepSummary> {
  const { driver, probe } = vmm;
  const used = { name: driver.name, version: probe.version, accelerator: probe.accelerator };
  return conductSweep(spec, { vmm: used, conduct: onThisHost(vmm, engine) }, onEvent, signals);
}

/** Who has the points run, and by what VMM, as far as that is known. */
export interface Conducting {
  readonly vmm: SweepManifest['vmm'];
  readonly conduct: Conduct;
}

/** As `runSweep()`, wherever the instances are. */
export async function conductSweep(
  given: SweepSpec,
  { vmm, conduct }: Conducting,
  onEvent: (event: SweepEvent) => void,
  signals: EndSignals,
): Promise<SweepSummary> {
  const spec = { ...given, out: resolve(given.out) };
  const start = performance.now();
  const { plan, prepared, out } = spec;
  const stop = new StopConditions({ ...spec.stop, parameters: plan.parameters });
  await using folder = await openSweepFolder(out, prepared.appliance.name, spec.takeOver);
  const count = Number(await countPoints(plan.points, signals.abort));
  checkSortable(plan);
  const sorting = plan.order && (await sortPoints(plan.points, plan.order, signals.abort));
  const manifest = describeSweep(spec, count, vmm, folder.before);
  // Whatever ends this process from here on, the folder is that of a sweep.
  await beginFolder(folder, manifest);
  using store = await openStore(out, count, noteOf(onEvent, 'STORE_REBUILT'), signals.abort);
  const known = new KnownResults(out, spec.shared);
  const identity = identityOf(prepared.digest, prepared.base.digest, (point) => plan.files.of(point));
  // What a killed process left of its instances.
  await removeAbandoned(scratchFolder());
  await removeAbandonedHistory(prepared.digest);
  const before = store.counts;
  const table = new CurrentTable(store, existsSync(join(out, sweepFiles.results)));
  await reconcile({ store, known, folder: out, points: plan.points, identity }, signals.abort);
  signals.abort.throwIfAborted();
  if (folder.before) await folder.writeManifest(manifest);
  const kept = spec.force ? 0 : store.counts.done;
  const progress = new Progress(0);
  await using results = new ResultsFile(join(out, sweepFiles.results), resultsSource(spec, store));
  const starting = withStart(spec, count - kept);
  const parts = { spec: starting, store, known, identity, progress, stop, count, sorting, onEvent };
  if (folder.before === undefined || !isDeepStrictEqual(before, store.counts)) table.isBehind = true;
  const onChange = () => {
    table.changed();
    results.changed();
  };
  await using coordinator = await conduct({ ...parts, onChange }, signals);
  const parallel = Math.min(coordinator.parallel, count - kept || 1);
  onEvent({ event: 'begun', points: count, kept, parallel });
  const writeTable = async () => {
    // Of a long sweep that has nothing left to do, this would take longer than all else.
    if (table.isBehind)
      await results.write().catch((error: unknown) => {
        throw coordinator.trouble ?? error;
      });
    table.written();
  };
  const gathering = new Gathering(out, spec.gather, onEvent);
  const work = { coordinator, gathering, writeTable };
  await besides(
    (ended) => checkLaterFiles(plan.points, plan.files, ended, noteOf(onEvent, 'FILES_MISSING')),
    () => oversee(parts, work, kept, signals),
  );
  if (stop.warning !== undefined) onEvent({ event: 'note', code: 'STOP_WHEN_UNSEEN', message: stop.warning });
  // Disks that were kept of points whose results are there now.
  await removeAbandoned(scratchFolder()).catch(() => undefined);
  if (coordinator.trouble) throw coordinator.trouble;
  const seconds = Number(((performance.now() - start) / 1000).toFixed(3));
  const interrupted = signals.finish.aborted || signals.abort.aborted;
  const { gathered, reason } = gathering;
  return {
    ...{ folder: given.out, results: join(given.out, sweepFiles.results), points: count, kept, seconds },
    counts: await countsAtEnd(parts),
    interrupted: interrupted && (count > ended(store) || gathering.cut),
    ...(coordinator.stopped === undefined ? {} : { stopped: coordinator.stopped }),
    ...jobsOf(coordinator),
    ...(gathered ? { gathered: { ...gathered, log: join(given.out, sweepFiles.gatherLog) } } : {}),
    ...(reason === undefined ? {} : { notGathered: reason }),
  };
}

async function beginFolder(folder: SweepFolder, manifest: SweepManifest): Promise<void> {
  if (!folder.before) await folder.writeManifest(manifest);
  await noteNeed(manifest.base.digest, needOf(folder.folder));
}

/** When all points are done, nothing will be run on the base any more. */
async function countsAtEnd({ spec, store, count }: Pick<ConductParts, 'spec' | 'store' | 'count'>) {
  const counts = finalCounts(store);
  if (counts.done === count) await dropNeed(spec.prepared.base.digest, needOf(spec.out));
  return counts;
}

/** Of the base. */
const needOf = (out: string) => ({ kind: 'sweep', path: join(out, sweepFiles.sweep) }) as const;

const noteOf = (onEvent: (event: SweepEvent) => void, code: SweepNote) => (message: string) =>
  onEvent({ event: 'note', code, message });

/** Does one thing beside another, and no longer. */
async function besides(
  less: (ended: AbortSignal) => Promise<void>,
  more: () => Promise<void>,
): Promise<void> {
  const controller = new AbortController();
  const beside = less(controller.signal);
  // What it throws is told at the end.
  beside.catch(() => undefined);
  try {
    await more();
  } finally {
    controller.abort();
    await beside;
  }
}

interface Work {
  readonly coordinator: Conductor;
  readonly gathering: Gathering;
  readonly writeTable: () => Promise<void>;
}

/** Runs the points, writes the table and gathers; while it gathers, points may be asked for again. */
async function workThrough(
  { coordinator, gathering, writeTable }: Work,
  { store, count }: Pick<ConductParts, 'store' | 'count'>,
  signals: EndSignals,
): Promise<void> {
  do {
    await coordinator.run();
    await writeTable();
    if (coordinator.trouble) return;
    const hindrance = coordinator.cancelled
      ? 'the sweep was cancelled'
      : count > ended(store)
        ? 'not all points have ended'
        : undefined;
    await gathering.run(hindrance, signals);
  } while (coordinator.retrying && coordinator.stopped === undefined && !signals.finish.aborted);
}

/** Works through to the end; meanwhile others are told how it stands, and heard. */
async function oversee(
  { spec, store, progress, count }: Omit<ConductParts, 'onChange'>,
  work: Work,
  kept: number,
  signals: EndSignals,
): Promise<void> {
  const { coordinator, gathering } = work;
  const status = new StatusFile(spec.out, spec.onStatus);
  // What was asked of an earlier run is no concern of this one.
  await takeRequests(spec.out);
  const startedAt = new Date().toISOString();
  const statusParts = (state: StatusParts['state']): StatusParts => ({
    ...{ name: spec.name, state, startedAt, points: count, counts: store.counts, kept },
    ...reasonOf(coordinator, gathering),
    parallel: coordinator.parallel,
    ...(coordinator.grid ? { grid: coordinator.grid } : {}),
    ...progress.parts(coordinator.now, new Date(), count - ended(store), coordinator.parallel),
    ...(state === 'paused' ? { remaining: null } : {}),
  });
  status.refresh(statusParts('running'));
  const looking = everySecond(async () => {
    await tick(spec, work);
    status.refresh(statusParts(stateOf(coordinator, signals)));
  });
  try {
    await workThrough(work, { store, count }, signals);
  } finally {
    await looking.end();
    const unfinished = count > ended(store) || gathering.cut;
    const state = jobsOf(coordinator).jobs ? 'running' : unfinished ? 'stopped' : 'finished';
    const over = { perMinute: null, remaining: null };
    await status.finish({ ...statusParts(state), ...over });
  }
}

function withStart(spec: SweepSpec, toRun: number): SweepSpec {
  if (!spec.start) return spec;
  return { ...spec, start: { ...spec.start, make: toRun >= worthTemplate ? 'unless-busy' : 'never' } };
}

/** Jobs of a grid go on without this process. */
function jobsOf({ grid, unsubmitted = 0 }: Conductor): Pick<SweepSummary, 'jobs'> {
  return grid && grid.pending + grid.running > 0 ? { jobs: { ...grid, unsubmitted } } : {};
}

/** What was begun and not ended is to be done. */
function finalCounts(store: SweepStore): SweepSummary['counts'] {
  const { pending, done, failed, lost, active } = store.counts;
  return { pending: pending + active, done, failed, lost };
}

/** A store that is not there is made from the result files: the sweep is new, or from before there were stores. */
const ended = ({ counts: { done, failed, lost } }: SweepStore) => done + failed + lost;

function resultsSource({ plan }: SweepSpec, store: SweepStore): ResultsSource {
  return {
    points: plan.points,
    ends: () => store.ends(),
    data: () => store.data(),
    folderOf: (index) => pointFolder('', index),
  };
}

/** Does it again and again, a second after it ended; `end` waits for one that is under way. */
function everySecond(work: () => Promise<void>): { end(): Promise<void> } {
  const over = new AbortController();
  const { signal } = over;
  const loop = (async () => {
    const goesOn = () => sleep(1000, true, { signal }).catch(() => false);
    while (await goesOn()) await work();
  })();
  // What it throws is told at the end.
  loop.catch(() => undefined);
  return {
    end: async () => {
      over.abort();
      await loop;
    },
  };
}

async function tick({ out }: SweepSpec, { coordinator, gathering }: Work): Promise<void> {
  for (const request of await takeRequests(out)) coordinator.take(request);
  if (coordinator.cancelled || coordinator.retrying) gathering.stop();
  await coordinator.tick();
}

function stateOf(coordinator: Conductor, { finish, abort }: EndSignals): StatusParts['state'] {
  if (finish.aborted || abort.aborted || coordinator.stopped !== undefined) return 'stopping';
  return coordinator.paused === undefined ? 'running' : 'paused';
}

function reasonOf(
  { stopped, paused, trouble }: Conductor,
  { running, gathered }: Gathering,
): Pick<StatusParts, 'reason' | 'gathered'> {
  const reason = trouble?.message ?? (running ? 'gathering' : (stopped ?? paused));
  return {
    ...(reason === undefined ? {} : { reason }),
    ...(gathered ? { gathered: { ...gathered, log: sweepFiles.gatherLog } } : {}),
  };
}
