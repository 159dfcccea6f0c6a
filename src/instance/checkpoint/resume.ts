import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { GvaError, errnoOf, messageOf } from '../../system/errors.js';
import { readTextIfExists } from '../../system/files.js';
import { checkpointFiles, scratchFiles } from '../../system/paths.js';
import type { ChosenVmm } from '../../vmm/choose.js';
import type { InstanceClock } from '../clock.js';
import type { InstanceSpec } from '../instance-spec.js';
import type { Scratch } from '../scratch.js';
import { type Started, hostLimits } from '../start.js';
import type { EarlierCheckpoint } from './checkpointer.js';
import { refused } from './facts.js';
import { parseCheckpoint } from './manifest.js';
import { type SavedInstance, checkCheckpoint, restoreMachine } from './restore.js';
import { saveable } from './saveable.js';
import type { CheckpointWish } from './saving.js';
import { CheckpointFolder } from './store.js';

/** The checkpoint in a folder; undefined where there is none. @throws GvaError CHECKPOINT_REFUSED */
export async function readCheckpoint(folder: string): Promise<SavedInstance | undefined> {
  const text = await readTextIfExists(join(folder, checkpointFiles.manifest)).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOTDIR') return undefined;
    throw error;
  });
  return text === undefined ? undefined : { folder, manifest: parseCheckpoint(text) };
}

/** A machine that goes on from a checkpoint. */
export interface Resumed extends Started {
  readonly earlier: EarlierCheckpoint;
}

/** Why an instance does not go on from a checkpoint. */
export interface NotResumed {
  /** A sentence without its full stop; undefined where there was none. */
  readonly why: string | undefined;
}

/** Where the instance comes to be. */
interface ResumeParts {
  readonly scratch: Scratch;
  /** Goes on from what it was then. */
  readonly clock: InstanceClock;
}

/**
 * Has an instance go on from the checkpoint in its folder, or from one of earlier attempts, where that is wished.
 *
 * @throws GvaError CHECKPOINT_REFUSED, CHECKPOINT_MISSING, VMM_RESUME where it must; CHECKPOINT_IN_USE
 */
export async function resumeInstance(
  spec: InstanceSpec,
  wish: CheckpointWish,
  vmm: ChosenVmm,
  parts: ResumeParts,
): Promise<Resumed | NotResumed> {
  if (wish.resume === undefined) return { why: undefined };
  if (wish.from) return await resumeFrom(spec, wish.from, vmm, parts);
  const folder = await CheckpointFolder.open(wish.folder);
  try {
    const saved = await readCheckpoint(wish.folder);
    if (!saved) throw missing(wish.folder);
    const started = await goOn(spec, saved, vmm, parts);
    return { ...started, earlier: { folder, manifest: saved.manifest } };
  } catch (error) {
    if (wish.resume === 'must' || !(error instanceof GvaError)) {
      await folder[Symbol.asyncDispose]();
      throw error;
    }
    await folder.remove();
    await parts.scratch.clear();
    return { why: error.code === 'CHECKPOINT_MISSING' ? undefined : messageOf(error) };
  }
}

/** From the first that is of this work and this machine. */
async function resumeFrom(
  spec: InstanceSpec,
  folders: readonly string[],
  vmm: ChosenVmm,
  parts: ResumeParts,
): Promise<Resumed | NotResumed> {
  let why: string | undefined;
  for (const folder of folders) {
    let seen: number | undefined;
    // Whoever it is of may replace it meanwhile: the next one is at least as good.
    for (let attempt = 1; attempt <= 2; attempt++)
      try {
        const saved = await readCheckpoint(folder);
        if (!saved || saved.manifest.number === seen) break;
        seen = saved.manifest.number;
        const started = await goOn(spec, saved, vmm, parts);
        return { ...started, earlier: { folder: undefined, manifest: saved.manifest } };
      } catch (error) {
        if (!(error instanceof GvaError) && errnoOf(error) === undefined) throw error;
        why ??= messageOf(error);
        spec.checkpoints?.onTrouble?.(messageOf(error));
        await parts.scratch.clear();
      }
  }
  return { why };
}

const missing = (folder: string) =>
  new GvaError('CHECKPOINT_MISSING', `there is no checkpoint in ${folder}`, {
    hint: 'Its instance has ended and its results are published, or it was never saved.',
  });

async function goOn(
  spec: InstanceSpec,
  saved: SavedInstance,
  vmm: ChosenVmm,
  { scratch, clock }: ResumeParts,
): Promise<Started> {
  const { machine } = spec.prepared;
  if (machine.kind !== 'contract') throw refused('it is of another kind of appliance');
  await checkCheckpoint(saved, spec, vmm);
  const { progress, takenAt, machine: shape, ...names } = saved.manifest;
  const restored = await restoreMachine(saved, machine, scratch.folder);
  const [said, events] = await Promise.all([
    readFile(join(saved.folder, names.console)),
    readFile(join(saved.folder, names.events), 'utf8'),
  ]);
  const limited = { ...restored, id: spec.id, ...hostLimits(spec, shape.cpus) };
  const machineSpec = await saveable(limited, scratch.folder);
  spec.onStarting?.();
  const started = await vmm.driver.start(machineSpec);
  // It was read, and the next state has its name.
  await rm(join(scratch.folder, scratchFiles.state), { force: true });
  started.console.append(said);
  clock.goOn({ ...progress, events });
  clock.resumed(vmm, takenAt);
  const { start, startReason: reason, unfinished } = progress;
  return {
    ...{ machine: started, machineSpec, start, lines: continued(unfinished, started.lines) },
    ...(reason === undefined ? {} : { reason }),
  };
}

/** The lines of a guest that had begun one. */
async function* continued(begun: string, lines: AsyncIterable<string>): AsyncGenerator<string> {
  let before = begun;
  for await (const line of lines) {
    yield before + line;
    before = '';
  }
}
