import type { PackageProblem } from '../model/envelope.js';
import { GvaError } from '../system/errors.js';
import type { Manifest, ManifestEntry } from './manifest.js';
import { shownName } from './package/member-name.js';
import type { PackageFiles } from './package.js';

/**
 * Compares the members with the manifest. A digest that differs is an error, as is a referenced member that is listed
 * and absent; a member that is not listed is a warning, but an error where the manifest is signed: a signature is to
 * cover all that is run. Without a manifest there is nothing to say.
 *
 * @param referenced names of members that the descriptor needs, as by `checkReferences`
 */
export async function verifyManifest(
  pkg: PackageFiles,
  referenced: readonly string[] = [],
  signal?: AbortSignal,
): Promise<PackageProblem[]> {
  const { manifest } = pkg;
  if (manifest === undefined) return [];
  const needed = new Set([pkg.descriptorName, ...referenced]);
  const problems: PackageProblem[] = [];
  for (const entry of manifest.entries) {
    const place = `${manifest.name}:${entry.line}`;
    const fault = await entryFault(pkg, entry, signal);
    if (fault === undefined) continue;
    const severity = fault.isAbsent && !needed.has(entry.name) ? 'warning' : 'error';
    problems.push({ severity, place, message: fault.message });
  }
  return [...problems, ...unlisted(pkg, manifest, needed)];
}

interface Fault {
  readonly message: string;
  readonly isAbsent: boolean;
}

async function entryFault(
  pkg: PackageFiles,
  { name, algorithm, digest }: ManifestEntry,
  signal: AbortSignal | undefined,
): Promise<Fault | undefined> {
  try {
    if ((await pkg.member(name)) === undefined)
      return { message: `"${shownName(name)}" is listed and not in the package`, isAbsent: true };
    if ((await pkg.digest(name, algorithm, signal)) === digest) return undefined;
    const message = `"${shownName(name)}" is not what was packed: its ${algorithm} digest differs`;
    return { message, isAbsent: false };
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof GvaError) return { message: error.message, isAbsent: false };
    throw error;
  }
}

function unlisted(
  pkg: PackageFiles,
  { name, entries }: Manifest,
  needed: ReadonlySet<string>,
): PackageProblem[] {
  const listed = new Set(entries.map((entry) => entry.name));
  const isCovered = pkg.signature.state === 'valid';
  return [...needed]
    .filter((member) => !listed.has(member))
    .map((member) => ({
      severity: isCovered ? 'error' : 'warning',
      place: name,
      message: `"${shownName(member)}" is not listed${isCovered ? ', so that the signature does not cover it' : ''}`,
    }));
}
