import { join } from 'node:path';
import { openRaw } from '../../disk/source.js';
import type { AdoptedDisk, Architecture, BaseManifest } from '../../model/base.js';
import type { Hardware } from '../../model/hardware.js';
import { GvaError } from '../../system/errors.js';
import { digestText, ensureFolder } from '../../system/files.js';
import { baseFiles } from '../../system/paths.js';
import { inBuildFolder, whileOnlyBuilder } from '../build-folder.js';
import { type Base, publishBase } from '../store.js';
import { firmwareOf } from './firmware.js';

export interface AdoptWish {
  readonly name: string;
  readonly description: string;
  readonly arch: Architecture;
  /** What it was made from: name of the file, and its SHA-256. */
  readonly from: { readonly file: string; readonly digest: string };
  readonly hardware: Hardware;
  /** Found out where absent. */
  readonly firmware?: AdoptedDisk['firmware'] | undefined;
}

/** The disk while it is not yet a base. */
export interface AdoptSteps {
  /** Writes it, raw, into a new file. */
  copy(target: string): Promise<void>;
  /** Changes it: what is done to the copy is the base's. */
  change?(disk: AdoptedDisk, folder: string): Promise<void>;
  /** Tries it, by whatever boots it; throws where it cannot be a base. */
  check(base: Base): Promise<void>;
}

/**
 * Makes a base of somebody's disk. It is one only when all steps are done: what fails leaves nothing.
 *
 * @throws GvaError as the steps, ADOPT_UNBOOTABLE, BASE_NAME, HOST_FULL
 */
export async function adoptDisk(
  wish: AdoptWish,
  steps: AdoptSteps,
  say: (step: string) => void,
  signal?: AbortSignal,
): Promise<BaseManifest> {
  checkName(wish.name);
  return whileOnlyBuilder(wish.name, say, signal, () =>
    inBuildFolder(wish.name, async (work) => {
      const folder = await ensureFolder(join(work, 'base'));
      const image = join(folder, baseFiles.disk);
      say('copying the disk');
      await steps.copy(image);
      const adopted = { firmware: wish.firmware ?? (await detectedFirmware(image)), hardware: wish.hardware };
      const disk = async () => ({
        ...{ name: baseFiles.disk, size: await sizeOf(image), sha256: '0'.repeat(64) },
        ...adopted,
      });
      await steps.change?.(await disk(), folder);
      signal?.throwIfAborted();
      const { name, description, arch, from } = wish;
      const described = {
        ...{ name, description, arch, kernelRelease: '', packages: {} },
        inputs: digestText(JSON.stringify([from.digest, adopted])),
        origin: { kind: 'adopted', ...from } as const,
      };
      say('checking that it keeps the guest contract');
      await steps.check({
        ...described,
        ...{ format: 1, contract: 1, os: 'linux', digest: '0'.repeat(64), folder },
        files: { disk: await disk() },
      });
      signal?.throwIfAborted();
      return await publishBase(folder, { ...described, adopted });
    }),
  );
}

function checkName(name: string): void {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name) && !/^micro(-|$)/.test(name)) return;
  throw new GvaError('BASE_NAME', `${JSON.stringify(name)} cannot be the name of an adopted base`, {
    hint: 'Letters, digits, ".", "_" and "-"; names that begin with "micro" are those of other bases.',
  });
}

async function detectedFirmware(image: string): Promise<AdoptedDisk['firmware']> {
  await using disk = await openRaw(image);
  return await firmwareOf(disk);
}

async function sizeOf(image: string): Promise<number> {
  await using disk = await openRaw(image);
  return disk.size;
}
