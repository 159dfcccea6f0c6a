import { existsSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { removeAbandoned } from '../instance/scratch.js';
import type { PreparedAppliance } from '../instance/prepare.js';
import type { StartWish } from '../instance/start.js';
import type { WatchLimits } from '../instance/watch.js';
import type { SweepEvent, SweepManifest, SweepSummary } from '../model/sweep.js';
import type { SweepStatus } from '../model/sweep-status.js';
import { packageVersion, pointFolder, scratchFolder, sweepFiles } from '../system/paths.js';
import type { ChosenVmm } from '../vmm/choose.js';
import { Coordinator, type CoordinatorParts, type EndSignals } from './coordinator.js';
import { identityOf } from './done-points.js';
import { HostWatch } from './host-watch.js';
import { KnownResults } from './known-results.js';
import type { Plan } from './plan/plan.js';
import { countPoints } from './plan/points.js';
import { rebuildStore, reconcile } from './reconcile.js';
import { takeRequests } from './requests.js';
import { ResultsFile } from './results/results-file.js';
import type { ResultsSource } from './results/table.js';
import { Progress } from './schedule/progress.js';
import type { RetryLimits } from './schedule/retry-policy.js';
import { StopConditions, type StopWishes } from './schedule/stop-conditions.js';
import { StatusFile, type StatusParts } from './status-file.js';
import { SweepStore } from './store/store.js';
import { runPoint } from './run-point.js';
import { openSweepFolder } from './sweep-folder.js';

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
  /** Keep the disks as the guests left them, with the results. */
  readonly keep: boolean;
  /** Take results of other sweeps, and let them take those of this one. */
  readonly shared: boolean;
  readonly retry: RetryLimits;
  readonly stop: Pick<StopWishes, 'maxFailures' | 'when'>;
  /** Cold where absent. Whether `auto` makes a template follows from the number of points that are to be run. */
  readonly start?: StartWish;
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
 * @param engine runs the instances; those of this machine where absent
 * @throws GvaError where the folder cannot be used, and SWEEP_STOPPED where this host can run no more points;
 *   what becomes of single points is in the summary and the table
 */
export async function runSweep(
  given: SweepSpec,
  vmm: ChosenVmm,
  onEvent: (event: SweepEvent) => void,
  signals: EndSignals,
  engine = runPoint,
): Promise<SweepSummary> {
  const spec = { ...given, out: resolve(given.out) };
  const start = performance.now();
  const { plan, prepared, out } = spec;
  const stop = new StopConditions({ ...spec.stop, parameters: plan.parameters });
  await using folder = await openSweepFolder(out, prepared.appliance.name);
  const count = Number(await countPoints(plan.points, signals.abort));
  using store = await openStore(out, count, signals.abort);
  const known = new KnownResults(out, spec.shared);
  const identity = identityOf(prepared.digest, prepared.base.digest, (point) => plan.files.of(point));
  // What a killed process left of its instances.
  await removeAbandoned(scratchFolder());
  const before = store.counts;
  await reconcile({ store, known, folder: out, points: plan.points, identity }, signals.abort);
  signals.abort.throwIfAborted();
  await folder.writeManifest(describe(spec, count, vmm, folder.before));
  const kept = spec.force ? 0 : store.counts.done;
  const appliance = prepared.appliance;
  await using host = await HostWatch.start(appliance, out, spec.jobs);
  const progress = new Progress(0);
  await using results = new ResultsFile(join(out, sweepFiles.results), resultsSource(spec, store));
  const parts = {
    spec: withStart(spec, count - kept),
    vmm,
    store,
    known,
    identity,
    host,
    progress,
    stop,
    count,
    onEvent,
    engine,
  };
  let changed =
    !existsSync(results.path) || folder.before === undefined || !isDeepStrictEqual(before, store.counts);
  const onChange = () => {
    changed = true;
    results.changed();
  };
  const coordinator = new Coordinator({ ...parts, onChange }, signals);
  onEvent({ event: 'begun', points: count, kept, parallel: Math.min(host.state.atOnce, count - kept || 1) });
  await oversee(parts, coordinator, kept, signals);
  // Of a long sweep that has nothing left to do, this would take longer than all else.
  if (changed)
    await results.write().catch((error: unknown) => {
      throw coordinator.trouble ?? error;
    });
  if (coordinator.trouble) throw coordinator.trouble;
  const seconds = Number(((performance.now() - start) / 1000).toFixed(3));
  const interrupted = signals.finish.aborted || signals.abort.aborted;
  return {
    ...{ folder: given.out, results: join(given.out, sweepFiles.results), points: count, kept, seconds },
    counts: finalCounts(store),
    interrupted: interrupted && count > ended(store),
    ...(coordinator.stopped === undefined ? {} : { stopped: coordinator.stopped }),
  };
}

/** Runs the coordinator to its end; meanwhile others are told how it stands, and heard. */
async function oversee(
  { spec, store, host, progress, count }: Omit<CoordinatorParts, 'onChange'>,
  coordinator: Coordinator,
  kept: number,
  signals: EndSignals,
): Promise<void> {
  const status = new StatusFile(spec.out, spec.onStatus);
  // What was asked of an earlier run is no concern of this one.
  await takeRequests(spec.out);
  const startedAt = new Date().toISOString();
  const statusParts = (state: StatusParts['state']): StatusParts => ({
    ...{ name: spec.name, state, startedAt, points: count, counts: store.counts, kept },
    ...reasonOf(coordinator),
    parallel: host.state.atOnce,
    ...progress.parts(coordinator.now, new Date(), count - ended(store), host.state.atOnce),
  });
  status.refresh(statusParts('running'));
  const looking = everySecond(async () => {
    await tick(spec, coordinator);
    status.refresh(statusParts(stateOf(coordinator, signals)));
  });
  try {
    await coordinator.run();
  } finally {
    await looking.end();
    const over = { perMinute: null, remaining: null };
    await status.finish({ ...statusParts(count > ended(store) ? 'stopped' : 'finished'), ...over });
  }
}

/** Points for which the boot of a template is worth its time. */
const worthTemplate = 4;

function withStart(spec: SweepSpec, toRun: number): SweepSpec {
  if (!spec.start) return spec;
  return { ...spec, start: { ...spec.start, make: toRun >= worthTemplate ? 'unless-busy' : 'never' } };
}

/** What was begun and not ended is to be done. */
function finalCounts(store: SweepStore): SweepSummary['counts'] {
  const { pending, done, failed, lost, active } = store.counts;
  return { pending: pending + active, done, failed, lost };
}

/** A store that is not there is made from the result files: the sweep is new, or from before there were stores. */
async function openStore(out: string, count: number, signal: AbortSignal): Promise<SweepStore> {
  const file = join(out, sweepFiles.store);
  const isNew = !existsSync(file);
  const store = SweepStore.open(file, count);
  if (isNew && existsSync(join(out, sweepFiles.points))) await rebuildStore(store, out, signal);
  return store;
}

const ended = ({ counts: { done, failed, lost } }: SweepStore) => done + failed + lost;

function resultsSource({ plan, out }: SweepSpec, store: SweepStore): ResultsSource {
  return {
    points: plan.points,
    recordOf: (index) => store.get(index),
    folderOf: (index) => relative(out, pointFolder(out, index)),
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

async function tick({ out }: SweepSpec, coordinator: Coordinator): Promise<void> {
  for (const request of await takeRequests(out)) coordinator.take(request);
  await coordinator.lookAtHost();
}

function stateOf(coordinator: Coordinator, { finish, abort }: EndSignals): StatusParts['state'] {
  if (finish.aborted || abort.aborted || coordinator.stopped !== undefined) return 'stopping';
  return coordinator.paused === undefined ? 'running' : 'paused';
}

function reasonOf({ stopped, paused, trouble }: Coordinator): Pick<StatusParts, 'reason'> {
  const reason = trouble?.message ?? stopped ?? paused;
  return reason === undefined ? {} : { reason };
}

function describe(
  spec: SweepSpec,
  count: number,
  vmm: ChosenVmm,
  before: SweepManifest | undefined,
): SweepManifest {
  const { plan, prepared } = spec;
  const { appliance, digest, base } = prepared;
  const now = new Date().toISOString();
  return {
    format: 'gva-sweep/1',
    gva: packageVersion(),
    appliance: { name: appliance.name, version: appliance.version, digest },
    base: { name: base.name, digest: base.digest },
    vmm: { name: vmm.driver.name, version: vmm.probe.version, accelerator: vmm.probe.accelerator },
    plan: { file: plan.file, text: plan.text },
    files: plan.files.common.map(({ name, size, sha256 }) => ({ name, size, sha256 })),
    parameters: plan.points.names,
    count,
    ...(spec.options ? { options: spec.options } : {}),
    ...(before ? { startedAt: before.startedAt, continuedAt: now } : { startedAt: now }),
  };
}
