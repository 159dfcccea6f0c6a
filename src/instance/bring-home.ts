import { lstat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import type { CollectedOutput, InstanceResult, InstanceTimes } from '../model/result.js';
import { ExitCode, GvaError, messageOf } from '../system/errors.js';
import { ensureFolder, writeFileAtomically } from '../system/files.js';
import { packageVersion } from '../system/package.js';
import { resultFiles, scratchFiles } from '../system/paths.js';
import { mark } from '../system/profile.js';
import type { ChosenVmm } from '../vmm/choose.js';
import type { EarlierCheckpoint } from './checkpoint/checkpointer.js';
import { bringTogether } from './checkpoint/together.js';
import type { InstanceClock } from './clock.js';
import { collectOutput, surveyOutput } from './collect.js';
import { rememberRun } from './history/past-runs.js';
import { instanceIdentity } from './identity.js';
import type { InstanceSpec } from './instance-spec.js';
import { copyDisk, keepDisk, keepOutput } from './keep.js';
import type { PendingFolder } from './output-folder.js';
import { emptyFolder, savePatiently } from './save.js';
import type { Scratch } from './scratch.js';
import type { Started } from './start.js';
import type { Verdict } from './verdict.js';
import type { Watched } from './watch.js';

/** An instance that runs, and whether from its beginning. */
export interface Begun extends Started {
  readonly earlier?: EarlierCheckpoint;
  /** How often it has gone on from a checkpoint. */
  readonly resumed: number;
  /** Why it has not gone on from the one that there was. */
  readonly resumeReason?: string;
}

/** An instance that has ended, and how. */
interface Ended {
  readonly clock: InstanceClock;
  readonly started: Begun;
  readonly watched: Watched;
  readonly verdict: Verdict;
}

/**
 * Brings the output of an instance that has ended home, and publishes its results at once.
 *
 * @throws GvaError COLLECT where they cannot be saved; the disk is kept
 */
export async function bringHome(
  spec: InstanceSpec,
  vmm: ChosenVmm,
  ended: Ended & { scratch: Scratch; pending: PendingFolder },
): Promise<InstanceResult> {
  const { clock, scratch, pending, started } = ended;
  const { folder } = pending;
  const image = join(scratch.folder, scratchFiles.output);
  try {
    const scratchBytes = await scratch.allocated();
    const patiently = <T>(save: () => Promise<T>) => savePatiently(save, scratchBytes, spec.untilRoom);
    const output = await patiently(async () => {
      await emptyFolder(folder);
      if (!(await broughtTogether(started, image))) return undefined;
      return await collectFrom(spec, image, folder);
    });
    clock.collected(output ?? undefined);
    const verdict = output === undefined ? unreadable(ended.verdict) : ended.verdict;
    clock.ended(verdict);
    const result = describe(spec, vmm, { ...ended, verdict, output: output ?? null, scratchBytes });
    await patiently(async () => {
      await writeFile(join(folder, resultFiles.events), clock.lines());
      await writeFile(join(folder, resultFiles.console), started.machine.console.bytes());
      const write = spec.durable === false ? writeFile : writeFileAtomically;
      await write(join(folder, resultFiles.result), `${JSON.stringify(result, null, 2)}\n`);
      if (spec.keepDisks) await keepDisks(scratch, folder);
      if (started.machineSpec.service)
        await (await import('./service/begin.js')).bringPosted(scratch.folder, folder);
      await pending.publish();
    });
    await rememberRun(result);
    mark('result published');
    return result;
  } catch (error) {
    const { prepared, parameters, files } = spec;
    const identity = instanceIdentity(prepared.digest, prepared.base.digest, parameters, files);
    await scratch.keep({ out: resolve(spec.out), identity });
    throw new GvaError('COLLECT', `the results could not be saved: ${messageOf(error)}`, {
      exitCode: ExitCode.infrastructure,
      hint: `Nothing is lost: the guest's output disk is kept as ${image}. Remove it when you have what you need.`,
      cause: error,
    });
  }
}

/** Whether all that the guest has written is in that image of its output disk; false where it cannot be read. */
async function broughtTogether({ machine, machineSpec }: Started, image: string): Promise<boolean> {
  const disk = machineSpec.disks.find((each) => each.image === image);
  if (!machine.checkpoints || !disk) return true;
  try {
    await bringTogether(disk, machine.checkpoints);
    return true;
  } catch (error) {
    if (error instanceof GvaError && error.code.startsWith('IMAGE_')) return false;
    throw error;
  }
}

/**
 * Brings the output home, in the form in which it is to be kept.
 *
 * @returns null where the machine has no output disk; undefined, and nothing is kept, where it cannot be read
 */
async function collectFrom(
  { prepared, keep }: InstanceSpec,
  image: string,
  folder: string,
): Promise<CollectedOutput | null | undefined> {
  const { machine } = prepared;
  const target = join(folder, resultFiles.output);
  if (machine.kind === 'plain' && machine.disks.every(({ role }) => role !== 'output')) {
    await ensureFolder(target);
    await keepOutput(keep, folder, undefined);
    return null;
  }
  const from = machine.kind === 'contract' && machine.outputOn === 'app' ? 'output' : '';
  if (keep === 'image') {
    const output = await surveyOutput(image, from);
    if (output) await keepOutput(keep, folder, image);
    return output;
  }
  const collected = await collectOutput(image, target, from);
  if (!collected) return undefined;
  const { truncated, ...output } = collected;
  if (!truncated) {
    await keepOutput(keep, folder, image);
    return output;
  }
  await keepDisk(folder, image);
  return { ...output, findings: [diskKept, ...output.findings] };
}

const diskKept = {
  code: 'DISK_KEPT',
  path: '',
  message: `not all of the output could be brought out: the disk that has all of it is kept as ${resultFiles.image}`,
};

/** A guest that says "done" and leaves a disk that cannot be read is not done. */
function unreadable(verdict: Verdict): Verdict {
  if (verdict.state === 'lost') return verdict;
  return {
    state: 'lost',
    cause: 'output-unreadable',
    message: 'the output disk has no file system that can be read',
  };
}

async function keepDisks(scratch: Scratch, folder: string): Promise<void> {
  const target = await ensureFolder(join(folder, resultFiles.instance));
  const { rootOverlay, appOverlay, dataOverlay, output, parameters, floppy } = scratchFiles;
  for (const name of [rootOverlay, appOverlay, dataOverlay, output, parameters, floppy]) {
    const source = join(scratch.folder, name);
    const info = await lstat(source).catch(() => undefined);
    if (info?.isFile()) await copyDisk(source, join(target, name));
  }
}

/** The result of an instance that has ended. */
export function describe(
  spec: InstanceSpec,
  vmm: ChosenVmm,
  ended: Ended & { output: InstanceResult['output']; scratchBytes: number },
): InstanceResult {
  const { appliance, digest, base } = spec.prepared;
  const { started } = ended;
  const { state, cause, message } = ended.verdict;
  const times: InstanceTimes = ended.clock.times;
  return {
    format: 'gva-result/1',
    gva: packageVersion(),
    instance: spec.id,
    appliance: { name: appliance.name, version: appliance.version, digest },
    base: { name: base.name, digest: base.digest },
    parameters: spec.parameters,
    files: spec.files.map(({ name, size, sha256 }) => ({ name, size, sha256 })),
    identity: instanceIdentity(digest, base.digest, spec.parameters, spec.files),
    vmm: { name: vmm.driver.name, version: vmm.probe.version, accelerator: vmm.probe.accelerator },
    start: started.start,
    ...(started.pooled ? { pooled: true as const } : {}),
    ...(started.reason === undefined ? {} : { startReason: started.reason }),
    ...(started.resumed === 0 ? {} : { resumed: started.resumed }),
    ...(started.resumeReason === undefined ? {} : { resumeReason: started.resumeReason }),
    state,
    ...(cause === undefined ? {} : { cause }),
    ...(message === undefined ? {} : { message }),
    scripts: ended.watched.scripts,
    startedAt: ended.clock.startedAt,
    times,
    output: ended.output,
    scratchBytes: ended.scratchBytes,
    host: hostname(),
  };
}
