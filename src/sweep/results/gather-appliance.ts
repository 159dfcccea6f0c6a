import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { resolveParameters } from '../../appliance/parameters.js';
import { ext4Size, makeExt4 } from '../../disk/ext4-image.js';
import { withData } from '../../instance/prepare-for-data.js';
import type { PreparedAppliance } from '../../instance/prepare.js';
import { runInstance } from '../../instance/run.js';
import { createScratch } from '../../instance/scratch.js';
import type { WatchLimits } from '../../instance/watch.js';
import type { InstanceResult } from '../../model/result.js';
import { GvaError } from '../../system/errors.js';
import { temporarySibling } from '../../system/files.js';
import { listTree } from '../../system/folder-digest.js';
import { resultFiles, scratchFiles, sweepFiles } from '../../system/paths.js';
import type { ChosenVmm } from '../../vmm/choose.js';
import { readRows } from '../observe/rows.js';
import { logNames } from '../observe/scripts.js';
import { gatherFolder } from './gather-folder.js';
import { readKept } from './kept.js';

/** An appliance that gathers: prepared by `prepareForData()`. */
export interface Gatherer {
  readonly prepared: PreparedAppliance;
  readonly vmm: ChosenVmm;
  readonly limits: WatchLimits;
  readonly keepDisks: boolean;
}

/** Bytes that the guest may add to its copy of the disk. */
const freeSpace = 16 << 20;

/**
 * Runs one instance that has the outputs of all points as its data disk (laid out as by `gatherFolder()`), with the
 * defaults of its parameters. Its results become the folder `gather/` of the sweep, what its scripts said the file
 * `gather.log`.
 *
 * @param sweep folder of the sweep; its table has been written
 * @throws GvaError where the instance could not be run at all; the signal's reason
 */
export async function gatherInAppliance(
  sweep: string,
  { prepared, ...how }: Gatherer,
  signal: AbortSignal,
): Promise<InstanceResult> {
  const { vmm, limits, keepDisks } = how;
  const { appliance } = prepared;
  const parameters = resolveParameters(appliance, {});
  const out = join(sweep, sweepFiles.gather);
  await using scratch = await createScratch();
  const data = await dataDisk(sweep, join(scratch.folder, scratchFiles.data), signal);
  const spec = { id: `${appliance.name}-${process.pid}-gather`, prepared: withData(prepared, data) };
  const forms = { keep: 'files', keepDisks, force: true } as const;
  const instance = { ...spec, parameters, files: [], out, limits, ...forms };
  const result = await runInstance(instance, vmm, () => undefined, signal);
  signal.throwIfAborted();
  await writeLog(out, join(sweep, sweepFiles.gatherLog));
  return result;
}

async function dataDisk(sweep: string, file: string, signal: AbortSignal) {
  const folder = temporarySibling(join(sweep, sweepFiles.gather));
  try {
    await gatherFolder(sweep, folder, await pointsWithResults(sweep), signal);
    const entries = await listTree(folder);
    const bytes = entries.reduce((sum, { stat }) => sum + (stat.isFile() ? stat.size : 0), 0);
    const { size, inodes } = ext4Size(entries.length, bytes, freeSpace);
    await makeExt4(file, { label: 'GVA-DATA', from: folder, size, inodes });
    return { file, size };
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof GvaError
      ? new GvaError(error.code, `the outputs cannot be put on one disk: ${error.message}`, {
          exitCode: error.exitCode,
          ...(error.hint === undefined ? {} : { hint: error.hint }),
          cause: error,
        })
      : error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Numbers of the points whose folders have what the table says of them. */
async function pointsWithResults(sweep: string): Promise<number[]> {
  const numbers: number[] = [];
  for await (const { gva_point: number, gva_folder: folder } of readRows(sweep))
    if (typeof number === 'number' && folder !== null) numbers.push(number);
  return numbers;
}

async function writeLog(out: string, log: string): Promise<void> {
  const names = logNames(await readFile(join(out, resultFiles.result), 'utf8'));
  await writeFile(log, said(out, names));
}

async function* said(out: string, names: readonly string[]): AsyncGenerator<Buffer> {
  for (const name of names)
    for (const kind of ['stdout', 'stderr']) yield* readKept(out, `.gva/${name}.${kind}`);
}
