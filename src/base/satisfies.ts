import type { BaseManifest } from '../model/base.js';
import { distributionOf, operatingSystems } from '../model/base.js';
import type { BaseRequirements, PackageRequirement } from '../model/base-wish.js';
import { versionSatisfies } from './debian-version.js';

/** What requirements ask of. */
type Has = Pick<BaseManifest, 'os' | 'arch' | 'distribution' | 'packages'>;

/** Whether a base has all that is required. `matchQuery()` says the same of all bases at once. */
export function satisfies(base: Has, { os, arch, packages = [] }: BaseRequirements): boolean {
  return (
    (os === undefined || isSystem(base, os)) &&
    (arch === undefined || base.arch === arch) &&
    packages.every((wanted) => hasPackage(base, wanted))
  );
}

function isSystem(base: Has, os: string): boolean {
  const [id, version] = os.split(':');
  if (version === undefined && operatingSystems.some((each) => each === id)) return base.os === id;
  const distribution = distributionOf(base);
  if (distribution?.id !== id) return false;
  return version === undefined || distribution?.version === version || distribution?.codename === version;
}

function hasPackage({ packages }: Has, { name, relation, version }: PackageRequirement): boolean {
  if (!Object.hasOwn(packages, name)) return false;
  if (relation === undefined || version === undefined) return true;
  return versionSatisfies(packages[name] ?? '', relation, version);
}
