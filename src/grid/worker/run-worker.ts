import { hostname } from 'node:os';
import { join } from 'node:path';
import { createScratch } from '../../instance/scratch.js';
import { ExitCode } from '../../system/errors.js';
import { gridFiles, nodeFiles } from '../../system/paths.js';
import { openNodeFolder, type NodeFolder } from './node-folder.js';
import type { Patience } from './persistently.js';
import { chooseByHistory } from '../../instance/history/choose-by-history.js';
import {
  type DriversOf,
  checkAllocation,
  checkSaving,
  chooseOnNode,
  driversOnNode,
  prepareOnNode,
} from './prepare-work.js';
import { RecordFile } from './record.js';
import { PointsRunner, makeResultsFolder } from './run-points.js';
import { type WorkerSpec, readSpec } from './spec.js';
import { StagedImages } from './stage-in.js';
import { asTrouble } from './trouble.js';

export interface WorkerOptions {
  /** Path of the element's file. */
  readonly spec: string;
  readonly driversOf: DriversOf;
  /** Its reason is the name of the signal that was received, such as `TERM`. */
  readonly signal: AbortSignal;
  readonly log: (message: string) => void;
  /** Seconds that a shared file system which fails is borne with; 300 where absent. */
  readonly patience?: number;
}

/** Seconds: what another node has written may come into sight so late. */
const lateSight = 30;

/**
 * Does one element of a job array on a node of a grid, and records it beside the element's file. What the job is, its
 * batch script says in the environment: GVA_JOB, GVA_NODE, GVA_RESTARTS, GVA_CPUS, GVA_MEMORY (docs/layout.md).
 *
 * This process is the worker's alone: caches of GVA are on the node from here on (XDG_CACHE_HOME is set).
 *
 * @returns `ok`: all points have an end, however they ended; `infrastructure`: this node, or what the job was given, is
 *   not good for it; `stopped`: it was told to end, or its time is nearly over
 * @throws GvaError GRID_SPEC
 */
export async function runWorker(options: WorkerOptions): Promise<ExitCode> {
  const { signal, log, patience: seconds = 300 } = options;
  const patience: Patience = { seconds, signal, log };
  const inJob = process.env['GVA_JOB'] !== undefined;
  const spec = await readSpec(options.spec, {
    ...patience,
    seconds: inJob ? Math.min(lateSight, seconds) : 0,
  });
  const job = (process.env['GVA_JOB'] ?? `local-${process.pid}`).replace(/[^\w.-]/g, '_');
  const path = join(spec.chunk, gridFiles.record(spec.name, job));
  await using record = await RecordFile.open(path, patience);
  try {
    if (await work(options, spec, job, record, patience)) {
      await record.write({ record: 'ended' });
      return ExitCode.ok;
    }
    log('the time of the job is nearly over');
    await record.write({ record: 'stopped', signal: 'TIME' });
    return ExitCode.stopped;
  } catch (error) {
    if (signal.aborted) {
      log(`stopped by ${String(signal.reason)}`);
      await record.write({ record: 'stopped', signal: String(signal.reason) });
      return ExitCode.stopped;
    }
    const { code, message, hint, avoidNode, exitCode } = asTrouble(error);
    log(`trouble: ${message}${hint === undefined ? '' : `\n${hint}`}`);
    await record.write({ record: 'trouble', code, message, avoidNode });
    return exitCode;
  }
}

/** @returns whether all points have an end */
async function work(
  { driversOf }: WorkerOptions,
  spec: WorkerSpec,
  job: string,
  record: RecordFile,
  patience: Patience,
): Promise<boolean> {
  const { log } = patience;
  const restarts = Number.parseInt(process.env['GVA_RESTARTS'] ?? '') || 0;
  const node = process.env['GVA_NODE'] || hostname();
  log(`${spec.name}: ${spec.element.points.length} points, job ${job} on ${node}`);
  await record.write({ record: 'began', job, node, pid: process.pid, restarts });
  checkAllocation(spec.work.appliance);
  const nodeFolder = await openNodeFolder();
  keepCachesOn(nodeFolder);
  // What killed workers have left goes with this.
  await using scratch = await createScratch().catch((error: unknown) => {
    throw asTrouble(error, true);
  });
  await makeResultsFolder(scratch);
  await using images = await StagedImages.open(spec.work, spec.sweep, nodeFolder, patience);
  const drivers = await driversOnNode(spec.work, images, driversOf);
  const chosen = await chooseOnNode(spec.work, drivers);
  const prepared = await prepareOnNode(spec.work, images);
  const wish = { chosen, drivers, start: spec.work.start, instances: spec.element.points.length };
  const vmm = spec.work.vmm === 'auto' ? await chooseByHistory(prepared, wish) : chosen;
  await record.write(images.record);
  const { version, accelerator } = vmm.probe;
  await record.write({ record: 'vmm', name: vmm.driver.name, version, accelerator });
  checkSaving(spec.work, prepared, vmm);
  const parts = { spec, prepared, vmm, record, scratch, job, restarts, patience };
  return await new PointsRunner(parts).run();
}

/** What GVA remembers of a node belongs there: a home folder is on a file server, and shared by nodes that differ. */
function keepCachesOn({ folder }: NodeFolder): void {
  if (folder !== undefined) process.env['XDG_CACHE_HOME'] = join(folder, nodeFiles.cache);
}
