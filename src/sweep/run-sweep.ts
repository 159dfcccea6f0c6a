import { join, relative } from 'node:path';
import type { WatchLimits } from '../instance/watch.js';
import type { PreparedAppliance } from '../instance/prepare.js';
import type { Point, SweepEvent, SweepManifest, SweepSummary } from '../model/sweep.js';
import { ExitCode, GvaError, messageOf } from '../system/errors.js';
import { packageVersion, pointFolder, sweepFiles } from '../system/paths.js';
import type { ChosenVmm } from '../vmm/choose.js';
import { type IdentityOf, earlierOutcome, identityOf } from './done-points.js';
import type { Plan } from './plan/plan.js';
import { countPoints } from './plan/points.js';
import { HostTrouble } from './host-trouble.js';
import { PointTable } from './point-table.js';
import { ResultsFile } from './results-file.js';
import { runPoint } from './run-point.js';
import { openSweepFolder } from './sweep-folder.js';
import { runAll } from './workers.js';

export interface SweepSpec {
  readonly plan: Plan;
  readonly prepared: PreparedAppliance;
  /** Folder of the sweep: new, empty, or of this sweep. */
  readonly out: string;
  /** Instances at once. */
  readonly parallel: number;
  /** Of each instance. */
  readonly limits: WatchLimits;
  /** Run what is done again. */
  readonly force: boolean;
  /** Keep the disks as the guests left them, with the results. */
  readonly keep: boolean;
}

/**
 * Runs the points of a plan side by side, each into a folder of its own, and keeps results.csv. A point that
 * is done is not run again while it is the same work; every other one is. When the signal comes, the running
 * instances are cancelled; the same call again goes on where this one ended.
 *
 * @throws GvaError where the folder cannot be used, and SWEEP_STOPPED where this host can run no more points;
 *   what becomes of single points is in the summary and the table
 */
export async function runSweep(
  spec: SweepSpec,
  vmm: ChosenVmm,
  onEvent: (event: SweepEvent) => void,
  signal: AbortSignal,
): Promise<SweepSummary> {
  const start = performance.now();
  const { plan, prepared, out } = spec;
  await using folder = await openSweepFolder(out, prepared.appliance.name);
  const count = Number(await countPoints(plan.points, signal));
  const table = new PointTable(count);
  const identity = identityOf(prepared.digest, prepared.base.digest, (point) => plan.files.of(point));
  if (folder.before) await noteEarlier(spec, table, identity, signal);
  signal.throwIfAborted();
  await folder.writeManifest(describe(spec, count, vmm, folder.before));
  const kept = spec.force ? 0 : table.counts.done;
  const todo = count - kept;
  const parallel = Math.max(1, Math.min(spec.parallel, todo));
  onEvent({ event: 'begun', points: count, kept, parallel });
  await using results = new ResultsFile(join(out, sweepFiles.results), plan.points, table);
  const { ended, trouble } = await runRest(spec, vmm, { table, results, parallel, onEvent }, signal);
  await writeResults(results).catch((error: unknown) => {
    throw trouble ?? error;
  });
  if (trouble) throw trouble;
  const seconds = Number(((performance.now() - start) / 1000).toFixed(3));
  const summary = { folder: out, results: results.path, points: count, counts: table.counts, kept };
  return { ...summary, interrupted: ended < todo, seconds };
}

/** Fills the table with what was found out before. */
async function noteEarlier(
  { plan, out }: SweepSpec,
  table: PointTable,
  identity: IdentityOf,
  signal: AbortSignal,
): Promise<void> {
  const note = async (point: Point) => {
    const outcome = await earlierOutcome(out, point, identity);
    if (outcome) table.note(point.index, outcome, folderOf(out, point));
  };
  await runAll(plan.points.points()[Symbol.iterator](), 16, note, signal);
}

interface Running {
  readonly table: PointTable;
  readonly results: ResultsFile;
  readonly parallel: number;
  readonly onEvent: (event: SweepEvent) => void;
}

/** @returns points that came to their end, and why it stopped before the last, if not for the signal */
async function runRest(
  spec: SweepSpec,
  vmm: ChosenVmm,
  { table, results, parallel, onEvent }: Running,
  signal: AbortSignal,
): Promise<{ ended: number; trouble: GvaError | undefined }> {
  const trouble = new HostTrouble();
  let ended = 0;
  const run = async (point: Point, stop: AbortSignal) => {
    onEvent({ event: 'point-started', point });
    const { outcome, error } = await runPoint(spec, point, vmm, stop);
    trouble.note(outcome, error);
    // What could not be run at all has left no folder; what stands there is of earlier work.
    table.note(point.index, outcome, error ? undefined : folderOf(spec.out, point));
    if (outcome.state !== 'cancelled') ended++;
    results.changed();
    onEvent({ event: 'point-ended', point, outcome });
  };
  await runAll(pointsToRun(spec, table), parallel, run, AbortSignal.any([signal, trouble.signal]));
  return { ended, trouble: trouble.error };
}

function* pointsToRun({ plan, force }: SweepSpec, table: PointTable): Generator<Point> {
  for (const point of plan.points.points()) if (force || table.stateOf(point.index) !== 'done') yield point;
}

const folderOf = (out: string, { index }: Point) => relative(out, pointFolder(out, index));

async function writeResults(results: ResultsFile): Promise<void> {
  try {
    await results.write();
  } catch (error) {
    throw new GvaError('OUT_UNUSABLE', `cannot write ${results.path}: ${messageOf(error)}`, {
      exitCode: ExitCode.infrastructure,
      hint: 'The results of the points are kept: the same command writes the table anew.',
      cause: error,
    });
  }
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
    ...(before ? { startedAt: before.startedAt, continuedAt: now } : { startedAt: now }),
  };
}
