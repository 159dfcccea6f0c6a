import type { PackageRelation, PackageRequirement } from '../model/base-wish.js';
import { architectures, operatingSystems } from '../model/base.js';
import { nearestName } from '../system/nearest-name.js';
import { isDebianVersion } from './debian-version.js';

/**
 * What a person wrote of a package: `python3`, `python3 (>= 3.11)`, `python3>=3.11`, `libc6:i386 = 2.36-9`.
 *
 * @returns the requirement, or what is wrong with the text as the rest of a sentence
 */
export function parsePackageRequirement(text: string): PackageRequirement | string {
  const match = /^\s*([^\s()<>=,|]+)\s*(?:\(\s*([<>=]+)\s*([^\s()]*)\s*\)|([<>=]+)\s*(\S*))?\s*$/.exec(text);
  if (!match) return `must be a package such as python3 or "python3 (>= 3.11)", not ${JSON.stringify(text)}`;
  const [, name = '', inside, versionInside, outside, versionOutside] = match;
  // Debian Policy 5.6.7; a name of another architecture has it behind a colon.
  if (!/^[a-z0-9][a-z0-9+.-]+(?::[a-z0-9-]+)?$/.test(name))
    return `${JSON.stringify(name)} is no name of a Debian package`;
  const sign = inside ?? outside;
  if (sign === undefined) return { name };
  const relation = relations.get(sign);
  if (relation === undefined)
    return `${JSON.stringify(sign)} is no relation of versions; there are <<, <=, =, >=, >>`;
  const version = versionInside ?? versionOutside ?? '';
  if (version === '') return `the version after ${sign} is missing`;
  if (!isDebianVersion(version)) return `${JSON.stringify(version)} is no version of a Debian package`;
  return { name, relation, version };
}

const relations = new Map<string, PackageRelation>([
  ...(['<<', '<=', '=', '>=', '>>'] as const).map((each) => [each, each] as const),
  // As other package managers have it. Debian's own `<` and `>` mean something else than they seem to.
  ['==', '='],
]);

/** What is wrong with an operating system as somebody wrote it; undefined where it may be one. */
export function osProblem(text: string): string | undefined {
  if (!/^[a-z][a-z0-9._-]*(?::[A-Za-z0-9][A-Za-z0-9._-]*)?$/.test(text))
    return `must be an operating system such as linux, debian or debian:12, not ${JSON.stringify(text)}`;
  const near = nearestName(text, operatingSystems);
  return near !== undefined && near !== text ? `there is no ${text}; did you mean ${near}?` : undefined;
}

/** As Debian and others call them. */
const architectureNames: Readonly<Record<string, string>> = { amd64: 'x86_64', arm64: 'aarch64' };

export function archProblem(text: string): string | undefined {
  if (architectures.some((each) => each === text)) return undefined;
  const meant = architectureNames[text] ?? nearestName(text, architectures);
  const known = `must be one of ${architectures.join(', ')}`;
  return meant === undefined ? known : `${known}; did you mean ${meant}?`;
}
