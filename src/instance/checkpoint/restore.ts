import { createReadStream, createWriteStream } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { rootDiskOf } from '../../base/store.js';
import { writeOverlay } from '../../disk/qcow2/writer.js';
import { writeSparseCopy } from '../../disk/sparse-copy.js';
import { makeSparseFile } from '../../disk/sparse-file.js';
import type { CheckpointManifest, NeededImage, SavedDisk } from '../../model/checkpoint.js';
import { GvaError, messageOf } from '../../system/errors.js';
import { digestFile } from '../../system/files.js';
import { imagesFolder, scratchFiles } from '../../system/paths.js';
import { rememberedDigest } from '../../system/remembered-digest.js';
import type { ChosenVmm } from '../../vmm/choose.js';
import type { Disk, MachineSpec } from '../../vmm/driver.js';
import { instanceIdentity } from '../identity.js';
import type { ContractMachine } from '../prepare.js';
import type { InstanceSpec } from '../instance-spec.js';
import { bootOf } from '../stage.js';
import { resumeLine } from '../template/wake.js';
import { differences, factsOf, refused } from './facts.js';
import { openLayer, withPieces } from './layers.js';

/** A checkpoint in a folder; nothing of it is believed before it was looked at. */
export interface SavedInstance {
  /** Absolute. */
  readonly folder: string;
  readonly manifest: CheckpointManifest;
}

/**
 * Refuses a checkpoint that is not of this work, was taken on a machine of another kind, or is damaged.
 *
 * @throws GvaError CHECKPOINT_REFUSED
 */
export async function checkCheckpoint(
  { folder, manifest }: SavedInstance,
  { prepared, parameters, files }: Pick<InstanceSpec, 'prepared' | 'parameters' | 'files'>,
  { driver }: ChosenVmm,
): Promise<void> {
  const { digest, base, machine } = prepared;
  if (machine.kind !== 'contract' || machine.outputOn !== manifest.instance.outputOn)
    throw refused('it is of another kind of appliance');
  if (manifest.instance.digest !== digest) throw refused('the appliance has changed');
  if (manifest.base.digest !== base.digest)
    throw refused(`it needs the base ${manifest.base.name} with the digest ${manifest.base.digest}`);
  if (manifest.instance.identity !== instanceIdentity(digest, base.digest, parameters, files))
    throw refused('it is of other parameters or files');
  if (manifest.vmm.name !== driver.name || !driver.capabilities.checkpoints)
    throw refused(`it was taken under ${manifest.vmm.name}, not ${driver.name}`);
  const different = differences(manifest.facts, await factsOf(driver, manifest.machine));
  if (different.length > 0)
    throw refused(
      `this machine is of another kind: ${different.join('; ')}`,
      'Go on where it was taken, or on a machine like that one.',
    );
  await checkImages(manifest, machine);
  await checkFiles({ folder, manifest });
}

async function checkImages({ images }: CheckpointManifest, machine: ContractMachine): Promise<void> {
  const check = async (what: string, { sha256 }: NeededImage, here: { file: string } | undefined) => {
    if (!here || (await rememberedDigest(here.file, imagesFolder())) !== sha256)
      throw refused(`the ${what} disk is not the one that it needs (SHA-256 ${sha256})`);
  };
  await check('application', images.app, machine.app);
  if (images.data) await check('data', images.data, machine.data);
}

async function checkFiles({ folder, manifest }: SavedInstance): Promise<void> {
  for (const [name, { size, sha256 }] of Object.entries(manifest.files)) {
    const path = join(folder, name);
    const info = await lstat(path).catch(() => undefined);
    if (!info?.isFile()) throw refused(`its file ${name} is missing`);
    if (info.size !== size) throw refused(`its file ${name} has ${info.size} bytes instead of ${size}`);
    if ((await digestFile(path)) !== sha256) throw refused(`its file ${name} has other content`);
  }
}

/**
 * Makes the files of a machine that goes on from a checkpoint, in an instance's folder. They are an instance's own:
 * the checkpoint is needed no more.
 *
 * @throws GvaError CHECKPOINT_REFUSED where what is in it cannot be read
 */
export async function restoreMachine(
  saved: SavedInstance,
  machine: ContractMachine,
  scratch: string,
): Promise<MachineSpec> {
  const { manifest, folder } = saved;
  const { cpus, memory } = manifest.machine;
  const state = join(scratch, scratchFiles.state);
  try {
    await expandState(join(folder, manifest.state), state, memory);
    const disks: Disk[] = [];
    for (const disk of manifest.machine.disks) disks.push(await restoreDisk(disk, folder, machine, scratch));
    return {
      ...{ id: manifest.instance.id, cpus, memory, disks },
      ...bootOf(machine, scratch),
      folders: { uml: join(scratch, scratchFiles.uml), hostfs: join(scratch, scratchFiles.hostfs) },
      incoming: { state, checkpoint: true, greeting: resumeLine },
    };
  } catch (error) {
    if (error instanceof GvaError && !/^IMAGE_(CORRUPT|UNSUPPORTED|RANGE)$/.test(error.code)) throw error;
    throw refused(messageOf(error), undefined, error);
  }
}

/** Bytes of a state beside the memory: pages that changed while it was written are in it twice. */
const stateSlack = 64 * 2 ** 20;

async function expandState(from: string, to: string, memory: number): Promise<void> {
  let left = 8 * memory + stateSlack;
  const limit = new Transform({
    transform(chunk: Buffer, _, done) {
      left -= chunk.length;
      done(left < 0 ? refused('its state is larger than its memory can be') : null, chunk);
    },
  });
  const target = createWriteStream(to, { flags: 'wx', mode: 0o600 });
  await pipeline(createReadStream(from), createGunzip({ chunkSize: 1 << 20 }), limit, target);
}

async function restoreDisk(
  { id, size, access, files }: SavedDisk,
  folder: string,
  machine: ContractMachine,
  scratch: string,
): Promise<Disk> {
  const saved = files.map((name) => join(folder, name));
  const known = { id, size };
  if (access === 'read-only') {
    const image = join(scratch, scratchFiles.parameters);
    await writeSparseCopy(saved[0] ?? '', image);
    return { ...known, access, image };
  }
  const layers = saved.map((file) => () => openLayer(file));
  if (access === 'read-write') {
    const image = join(scratch, scratchFiles.output);
    await withPieces(layers, (pieces) =>
      makeSparseFile(image, size, async (file) => {
        for await (const { offset, bytes } of pieces) if (bytes) await file.write(offset, bytes);
      }),
    );
    return { ...known, access, image };
  }
  const { image, overlay } = sharedDisk(id, machine);
  const backing = { file: image, format: 'raw' } as const;
  await withPieces(layers, (pieces) => writeOverlay(join(scratch, overlay), { size, backing }, pieces));
  return { ...known, access, image, overlay: join(scratch, overlay) };
}

/** The image that an overlay lies on, and the overlay's name. */
function sharedDisk(id: string, { base, app, data }: ContractMachine): { image: string; overlay: string } {
  if (id === 'root')
    return { image: join(base.folder, rootDiskOf(base).name), overlay: scratchFiles.rootOverlay };
  if (id === 'app') return { image: app.file, overlay: scratchFiles.appOverlay };
  if (id === 'data' && data) return { image: data.file, overlay: scratchFiles.dataOverlay };
  throw refused(`there is no image for its disk ${id}`);
}
