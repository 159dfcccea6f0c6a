import type { Appliance } from '../model/appliance.js';
import type { DiskRole, EnvelopeFile } from '../model/envelope.js';

/** All that the descriptor of an appliance's package says. Sizes are in bytes. */
export interface DescriptorSpec {
  readonly appliance: DescribedAppliance;
  /** Digest of the appliance's content. */
  readonly digest: string;
  /** Version of the guest contract. */
  readonly contract: number;
  /** Also of a thin package, which has no disk of this role. */
  readonly base: { readonly name: string; readonly digest: string };
  readonly operatingSystem: {
    /** Value of CIM_OperatingSystem.OSType: 96 Debian 64-bit, 101 Linux 64-bit. */
    readonly id: number;
    readonly version?: string;
    readonly description?: string;
  };
  /** In the order in which they follow the descriptor in the package. */
  readonly files: readonly DescriptorFile[];
  /** In the order of their places on the SCSI bus; at most 15. */
  readonly disks: readonly DescriptorDisk[];
}

export type DescribedAppliance = Pick<
  Appliance,
  | 'name'
  | 'version'
  | 'hardware'
  | 'parameters'
  | 'description'
  | 'vendor'
  | 'url'
  | 'eula'
  | 'deploymentOptions'
  | 'warm'
>;

export type DescriptorFile = Required<Pick<EnvelopeFile, 'id' | 'href' | 'size'>>;

export interface DescriptorDisk {
  readonly id: string;
  /** Id of a file, which is a streamOptimized VMDK; absent: the importer makes a blank disk. */
  readonly fileRef?: string;
  readonly capacity: number;
  readonly populatedSize?: number;
  readonly role: DiskRole;
}

/** Places on a SCSI bus; 7 is the controller's own. */
export const scsiPlaces = [0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14, 15];

/**
 * A spec that would make a package which some importer refuses is a bug of the caller's: names that are not flat
 * ASCII, references to nothing, ids twice, sizes that are none.
 */
export function checkDescriptorSpec({ files, disks }: DescriptorSpec): void {
  const ids = [...files, ...disks].map(({ id }) => id);
  const names = files.map(({ href }) => href);
  for (const name of [...ids, ...names])
    if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name)) throw new Error(`not a name for a package: ${name}`);
  for (const list of [ids, names])
    if (new Set(list).size !== list.length) throw new Error(`a name twice: ${list.join(' ')}`);
  for (const { fileRef } of disks)
    if (fileRef !== undefined && !files.some(({ id }) => id === fileRef))
      throw new Error(`there is no file ${fileRef}`);
  for (const size of [
    ...files.map((file) => file.size),
    ...disks.flatMap(({ capacity, populatedSize = 0 }) => [capacity, populatedSize]),
  ])
    if (!Number.isSafeInteger(size) || size < 0) throw new Error(`not a size: ${size}`);
  if (disks.length > scsiPlaces.length)
    throw new Error(`${disks.length} disks are too many for one controller`);
}
