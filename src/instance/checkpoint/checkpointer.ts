import { rm, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { CheckpointManifest, NeededImage, SavedDisk, SavedProgress } from '../../model/checkpoint.js';
import { ExitCode, GvaError, messageOf } from '../../system/errors.js';
import { syncPath } from '../../system/files.js';
import { packageVersion } from '../../system/package.js';
import { checkpointFiles, imagesFolder, scratchFiles } from '../../system/paths.js';
import { rememberedDigest } from '../../system/remembered-digest.js';
import type { ChosenVmm } from '../../vmm/choose.js';
import type { Checkpoints, MachineSpec, VirtualMachine } from '../../vmm/driver.js';
import type { InstanceClock } from '../clock.js';
import { instanceIdentity } from '../identity.js';
import type { ContractMachine } from '../prepare.js';
import type { InstanceSpec } from '../instance-spec.js';
import { resumeLine } from '../template/wake.js';
import type { ScriptRecord } from '../watch.js';
import { captureDisk, captureState } from './capture.js';
import { factsOf } from './facts.js';
import { openLayer } from './layers.js';
import type { Layer } from '../../disk/qcow2/reader.js';
import { CheckpointFolder, describeFiles, sizeOf } from './store.js';

/** An instance that runs, as far as checkpoints are concerned. */
export interface Saveable {
  readonly spec: InstanceSpec;
  readonly vmm: ChosenVmm;
  /** As it was started. */
  readonly machineSpec: MachineSpec;
  readonly machine: VirtualMachine;
  /** The folder of its disks. */
  readonly scratch: string;
  readonly clock: InstanceClock;
  readonly record: ScriptRecord;
  readonly start: Pick<SavedProgress, 'start' | 'startReason' | 'resumed'>;
}

/** A checkpoint that is whole. */
export interface Taken {
  readonly folder: string;
  /** ISO 8601, UTC. */
  readonly takenAt: string;
  /** Seconds that the guest stood still. */
  readonly pause: number;
  /** Bytes. */
  readonly size: number;
  /** Seconds from the beginning to the end. */
  readonly seconds: number;
}

/** Takes checkpoints of one instance, one after the other. Disposing it lets its folder go and leaves what is in there. */
export class Checkpointer implements AsyncDisposable {
  last: Taken | undefined;
  readonly #of: Saveable;
  readonly #machine: Checkpoints | undefined;
  readonly #path: string;
  #folder: CheckpointFolder | undefined;
  #before: CheckpointManifest | undefined;
  /** What of the disks the checkpoint before has is of use for the next one. */
  #incremental = false;
  #busy: Promise<unknown> = Promise.resolve();
  #images: Promise<CheckpointManifest['images']> | undefined;
  /** Layers of a template below disks, by the disk's id; opened at once, as the template may go. */
  readonly #below: ReadonlyMap<string, Promise<Layer>>;

  /**
   * @param folder where the instance's earlier part had its checkpoints, taken; and the one that it went on from
   */
  constructor(of: Saveable, machine: Checkpoints | undefined, folder: string, earlier?: EarlierCheckpoint) {
    this.#of = of;
    this.#machine = machine;
    this.#path = folder;
    this.#folder = earlier?.folder;
    this.#before = earlier?.manifest;
    const templated = of.machineSpec.disks.filter(({ backing }) => backing !== undefined);
    this.#below = new Map(templated.map(({ id, image }) => [id, openLayer(image)]));
    for (const layer of this.#below.values()) layer.catch(() => undefined);
  }

  /** When others have come to their end, takes one. @throws GvaError VMM_CHECKPOINT, CHECKPOINT, CHECKPOINT_IN_USE */
  take(signal: AbortSignal): Promise<Taken> {
    const taking = this.#busy.then(() => this.#take(signal));
    this.#busy = taking.catch(() => undefined);
    return taking;
  }

  /** Has its results published: there is nothing to go on from. */
  async over(): Promise<void> {
    await this.#busy;
    await this.#folder?.remove();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#busy;
    await this.#folder?.[Symbol.asyncDispose]();
    for (const layer of this.#below.values()) await layer.then((each) => each.close()).catch(() => undefined);
  }

  async #take(signal: AbortSignal): Promise<Taken> {
    try {
      signal.throwIfAborted();
      return await this.#attempt(signal);
    } catch (error) {
      if (error instanceof GvaError) throw error;
      throw new GvaError('CHECKPOINT', `no checkpoint could be taken: ${messageOf(error)}`, {
        exitCode: ExitCode.infrastructure,
        cause: error,
      });
    }
  }

  async #attempt(signal: AbortSignal): Promise<Taken> {
    const start = performance.now();
    const { clock, scratch } = this.#of;
    const machine = this.#machine;
    if (!machine) throw new Error(`the name of the scratch folder is too long: ${scratch}`);
    this.#folder ??= await CheckpointFolder.open(this.#path);
    const folder = this.#folder;
    await folder.clean(this.#before);
    // What an attempt has left apart that was broken off.
    await machine.settle();
    const [facts, images] = await Promise.all([this.#facts(), this.#neededImages()]);
    const raw = join(scratch, scratchFiles.state);
    let progress: Omit<SavedProgress, 'unfinished'> | undefined;
    let told: Told = { console: Buffer.alloc(0), events: '' };
    const incremental = this.#incremental;
    this.#incremental = false;
    try {
      const takenAt = new Date().toISOString();
      const moment = await machine.take(
        raw,
        () => {
          progress = this.#progress();
          // Read when it goes on: it must not fall behind by what it stood still.
          this.#of.machine.write?.(resumeLine());
          told = { console: this.#of.machine.console.bytes(), events: clock.lines() };
        },
        signal,
      );
      if (!progress) throw new TypeError('a machine that was never at rest');
      const unfinished = moment.unfinished;
      const manifest = await this.#fill(
        machine,
        { folder: folder.path, raw },
        {
          ...{ takenAt, facts, images, incremental, told },
          progress: { ...progress, unfinished },
        },
      );
      await folder.publish(manifest);
      this.#before = manifest;
      this.#incremental = true;
      const seconds = (performance.now() - start) / 1000;
      this.last = {
        ...{ folder: folder.path, takenAt, pause: moment.pause, size: sizeOf(manifest) },
        seconds: Number(seconds.toFixed(3)),
      };
      clock.checkpointed(moment.pause, this.last.size);
      return this.last;
    } finally {
      await rm(raw, { force: true });
      // What cannot be brought together now is tried again before the next one.
      await machine.settle().catch(() => undefined);
    }
  }

  #progress(): Omit<SavedProgress, 'unfinished'> {
    const { clock, record, start } = this.#of;
    const { scripts, startedAt: scriptStartedAt, free } = record;
    return {
      ...{ startedAt: clock.startedAt, elapsed: clock.elapsed, times: clock.times },
      ...{ scripts: scripts.map((script) => ({ ...script })), scriptStartedAt },
      ...(free === undefined ? {} : { free }),
      ...start,
    };
  }

  /** Writes the files of a checkpoint. */
  async #fill(
    machine: Checkpoints,
    { folder, raw }: { readonly folder: string; readonly raw: string },
    {
      told,
      incremental,
      ...rest
    }: Pick<CheckpointManifest, 'takenAt' | 'facts' | 'images' | 'progress'> & {
      readonly told: Told;
      readonly incremental: boolean;
    },
  ): Promise<CheckpointManifest> {
    const before = this.#before;
    const number = (before?.number ?? 0) + 1;
    const names = {
      state: checkpointFiles.state(number),
      console: checkpointFiles.console(number),
      events: checkpointFiles.events(number),
    };
    const [disks] = await Promise.all([
      this.#captureDisks(machine, folder, number, incremental ? before : undefined),
      captureState(raw, join(folder, names.state)),
      writeSynced(join(folder, names.console), told.console),
      writeSynced(join(folder, names.events), told.events),
    ]);
    const all = [...disks.flatMap(({ files }) => files), ...Object.values(names)];
    const files = await describeFiles(folder, all, before?.files ?? {});
    const { cpus, memory } = this.#of.machineSpec;
    return {
      ...{ format: 'gva-checkpoint/1', gva: packageVersion(), number, ...rest },
      ...this.#identity(),
      machine: { cpus, memory, disks },
      ...names,
      files,
    };
  }

  async #captureDisks(
    machine: Checkpoints,
    folder: string,
    number: number,
    before: CheckpointManifest | undefined,
  ): Promise<SavedDisk[]> {
    const disks: SavedDisk[] = [];
    for (const disk of this.#of.machineSpec.disks) {
      const known = before?.machine.disks.find(({ id }) => id === disk.id)?.files ?? [];
      const layer = this.#below.get(disk.id);
      const below = layer && { below: async () => unclosed(await layer) };
      disks.push(await captureDisk({ disk, before: known, ...below }, machine, folder, number));
    }
    return disks;
  }

  #identity(): Pick<CheckpointManifest, 'instance' | 'base' | 'vmm'> {
    const { spec, vmm } = this.#of;
    const { appliance, digest } = spec.prepared;
    const { base, outputOn } = this.#contract();
    const { boot, total, powerOff } = spec.limits;
    const files = spec.files.map(({ name, size, sha256 }) => ({ name, size, sha256 }));
    const every = spec.checkpoints?.every;
    return {
      instance: {
        ...{ id: spec.id, appliance, digest, outputOn, parameters: spec.parameters, files },
        identity: instanceIdentity(digest, spec.prepared.base.digest, spec.parameters, files),
        ...{ out: resolve(spec.out), force: spec.force, keep: spec.keep },
        limits: { boot, powerOff, ...(total === undefined ? {} : { total }) },
        ...(every === undefined ? {} : { every }),
      },
      base: { name: base.name, digest: base.digest, folder: base.folder },
      vmm: { name: vmm.driver.name, version: vmm.probe.version, accelerator: vmm.probe.accelerator },
    };
  }

  #contract(): ContractMachine {
    const { machine } = this.#of.spec.prepared;
    if (machine.kind !== 'contract') throw new TypeError("a machine of somebody else's has no checkpoints");
    return machine;
  }

  async #facts(): Promise<Readonly<Record<string, string>>> {
    const { vmm, machineSpec } = this.#of;
    return await factsOf(vmm.driver, machineSpec);
  }

  #neededImages(): Promise<CheckpointManifest['images']> {
    this.#images ??= (async () => {
      const { app, data } = this.#contract();
      return { app: await neededImage(app), ...(data ? { data: await neededImage(data) } : {}) };
    })();
    return this.#images;
  }
}

/** What the guest has said. */
interface Told {
  readonly console: Buffer;
  readonly events: string;
}

/** What an instance goes on from. */
export interface EarlierCheckpoint {
  /** Undefined where it was another's, and the next ones go into a new folder. */
  readonly folder: CheckpointFolder | undefined;
  readonly manifest: CheckpointManifest;
}

/** A layer that somebody else closes. */
const unclosed = (layer: Layer): Layer => ({
  ...{ size: layer.size, clusterSize: layer.clusterSize },
  extents: () => layer.extents(),
  read: (offset, length, into) => layer.read(offset, length, into),
  close: () => Promise.resolve(),
  [Symbol.asyncDispose]: () => Promise.resolve(),
});

async function neededImage({ file }: { readonly file: string }): Promise<NeededImage> {
  const path = resolve(file);
  return { file: path, size: (await stat(path)).size, sha256: await rememberedDigest(path, imagesFolder()) };
}

async function writeSynced(path: string, content: string | Buffer): Promise<void> {
  await writeFile(path, content, { flag: 'wx', mode: 0o600 });
  await syncPath(path);
}
