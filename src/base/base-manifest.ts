import { type AdoptedDisk, type BaseManifest, architectures } from '../model/base.js';
import { controllers, machineTypes } from '../model/hardware.js';
import { ExitCode, GvaError } from '../system/errors.js';

/** No name has a `=` or begins with a point: such files among the bases are something else. */
export const isBaseName = (name: string): boolean => /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(name);

/** `NAME`, or `NAME@DIGEST` with the first 16 digits of it or more. */
export function isBaseReference(text: string): boolean {
  const [name = '', digest, ...rest] = text.split('@');
  return isBaseName(name) && rest.length === 0 && (digest === undefined || /^[0-9a-f]{16,64}$/.test(digest));
}

/** The folder of a base among those of its name. */
export const digestFolderName = (digest: string): string => digest.slice(0, 16);
export const isDigestFolder = (name: string): boolean => /^[0-9a-f]{16}$/.test(name);
export const isDigest = (text: unknown): text is string =>
  typeof text === 'string' && /^[0-9a-f]{64}$/.test(text);

/**
 * What a `base.json` says. What is named there as a file is a name and nothing else: whoever has written it cannot lead
 * elsewhere.
 *
 * @param folder for messages
 * @throws GvaError BASE_BROKEN
 */
export function parseBaseManifest(text: string, folder: string): BaseManifest {
  try {
    const manifest = JSON.parse(text) as BaseManifest;
    // The type is what this version writes; a file may be of any.
    const { format, contract, arch } = manifest as { format: number; contract: number; arch: string };
    const known = format === 1 && contract === 1 && architectures.some((each) => each === arch);
    const { digest, files, packages } = manifest;
    const isSound =
      isDigest(digest) && Object.values(files).every(isBaseFile) && isBootable(files) && isTexts(packages);
    if (known && isSound) return manifest;
  } catch {
    // Said below.
  }
  throw brokenBase(folder, 'its base.json cannot be read by this version');
}

const isBaseFile = ({ name, size, sha256 }: { name: unknown; size: unknown; sha256: unknown }): boolean =>
  typeof name === 'string' &&
  /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name) &&
  Number.isSafeInteger(size) &&
  Number(size) >= 0 &&
  isDigest(sha256);

const isBootable = (files: BaseManifest['files']): boolean =>
  'root' in files ? 'kernel' in files && 'initrd' in files : isAdoptedDisk(files.disk);

function isAdoptedDisk({ firmware, hardware }: AdoptedDisk): boolean {
  const { machine = 'q35', controller = 'virtio-blk', cdDrive = 'ide-cd' } = hardware;
  const isOne = (value: unknown, ...known: readonly string[]) => known.some((each) => each === value);
  return (
    isOne(firmware, 'bios', 'uefi') &&
    isOne(machine, ...machineTypes) &&
    isOne(controller, ...controllers) &&
    isOne(cdDrive, 'scsi-cd', 'ide-cd')
  );
}

const isTexts = (record: object): boolean =>
  Object.values(record).every((value) => typeof value === 'string');

export const brokenBase = (folder: string, problem: string): GvaError =>
  new GvaError('BASE_BROKEN', `the base image in ${folder} cannot be used: ${problem}`, {
    exitCode: ExitCode.infrastructure,
    hint: 'Build it again: gva base build, with --force.',
  });
