import type { EnvelopeDisk, PackageProblem } from '../../model/envelope.js';
import { GvaError } from '../../system/errors.js';
import { formatSize } from '../../system/units.js';

/** What a package may ask for at most: all its numbers are taken for hostile. Sizes are in bytes. */
export interface PackageLimits {
  /** Of the descriptor. */
  readonly descriptor: number;
  /** Of the manifest, and of the certificate file. */
  readonly manifest: number;
  /** Members of the archive, ignored ones counted; also the pieces of one chunked file. */
  readonly members: number;
  /** To which a compressed package, or one compressed file of it, may expand. */
  readonly inflated: number;
  /** Capacities of all disks in sum: a blank disk of 1 TiB is a file of 268 KiB. */
  readonly capacity: number;
}

/** Far above what is seen in the wild, and small enough to do no harm. */
export const defaultLimits: PackageLimits = {
  descriptor: 4 * 2 ** 20,
  manifest: 2 ** 20,
  members: 1000,
  inflated: 64 * 2 ** 30,
  capacity: 16 * 2 ** 40,
};

/** PACKAGE_LIMIT, with the limit's name in its hint. */
export function limitError(limit: keyof PackageLimits, message: string): GvaError {
  return new GvaError('PACKAGE_LIMIT', message, {
    hint: `If you trust the package, raise the limit "${limit}".`,
  });
}

/** The disks of a descriptor whose capacities are more than may be asked for in sum. */
export function capacityProblems(
  disks: readonly EnvelopeDisk[],
  place: string,
  { capacity }: Pick<PackageLimits, 'capacity'> = defaultLimits,
): PackageProblem[] {
  const sum = disks.reduce((bytes, disk) => bytes + (disk.capacity ?? 0), 0);
  if (sum <= capacity) return [];
  const message = `the disks ask for ${formatSize(sum)}, the limit is ${formatSize(capacity)}`;
  return [{ severity: 'error', place, message }];
}
