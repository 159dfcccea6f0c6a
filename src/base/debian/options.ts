import { GvaError } from '../../system/errors.js';

export const debianSuites = ['bookworm', 'trixie'] as const;
export type DebianSuite = (typeof debianSuites)[number];
/** As os-release(5) says it. */
export const suiteVersions: Readonly<Record<DebianSuite, string>> = { bookworm: '12', trixie: '13' };

/** `quick`: process 1 goes straight to GVAD. `systemd`: GVAD is a service of it. */
export const debianProfiles = ['quick', 'systemd'] as const;
export type DebianProfile = (typeof debianProfiles)[number];

/** What a Debian base is to be. */
export interface DebianOptions {
  readonly suite: DebianSuite;
  readonly profile: DebianProfile;
  /** Names of packages that it is to have besides what every one has. */
  readonly packages: readonly string[];
  /** Of the base. */
  readonly name: string;
}

/** As somebody wrote them. */
export interface DebianRequest {
  readonly profile?: string;
  readonly packages?: readonly string[];
  readonly name?: string;
}

/** Characters of a name that GVA makes up. */
const longestName = 64;

/**
 * Options from `debian` or `debian:SUITE` and what was asked for besides. A base that is given no name has one of
 * suite, profile and packages.
 *
 * @throws GvaError SUITE_UNKNOWN, PROFILE_UNKNOWN, PACKAGE_NAME, BASE_NAME
 */
export function debianOptions(from: string, request: DebianRequest = {}): DebianOptions {
  const suite = oneOf(debianSuites, from.split(':')[1] ?? 'bookworm', 'SUITE_UNKNOWN', 'suite of Debian');
  const profile = oneOf(debianProfiles, request.profile ?? 'quick', 'PROFILE_UNKNOWN', 'profile');
  const packages = [...new Set(request.packages)].sort();
  for (const name of packages) checkPackageName(name);
  const name = request.name ?? ownName(suite, profile, packages);
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name) || name === 'micro')
    throw new GvaError('BASE_NAME', `${JSON.stringify(name)} cannot be the name of a Debian base`, {
      hint: 'Letters, digits, ".", "_" and "-"; "micro" is the name of another base.',
    });
  return { suite, profile, packages, name };
}

function ownName(suite: string, profile: DebianProfile, packages: readonly string[]): string {
  const words = ['debian', suite, ...(profile === 'quick' ? [] : [profile]), ...packages];
  // What a package's name may have and a base's may not.
  const name = words.join('-').replaceAll('+', '_');
  if (name.length <= longestName) return name;
  throw new GvaError('BASE_NAME', 'so many packages make no name for the base', {
    hint: 'Give it one: --name NAME',
  });
}

function oneOf<T extends string>(known: readonly T[], value: string, code: string, what: string): T {
  const found = known.find((each) => each === value);
  if (found !== undefined) return found;
  throw new GvaError(code, `there is no ${what} ${JSON.stringify(value)} here`, {
    hint: `One of: ${known.join(', ')}.`,
  });
}

/** Debian Policy 4.7, 5.6.7. */
function checkPackageName(name: string): void {
  if (/^[a-z0-9][a-z0-9+.-]+$/.test(name)) return;
  throw new GvaError('PACKAGE_NAME', `${JSON.stringify(name)} is no name of a Debian package`, {
    hint: 'Names are separated by commas: --packages python3,python3-numpy',
  });
}
