import type { Architecture } from './base.js';

/** Which base an appliance is to have: `NAME`, `NAME@DIGEST` (16 digits or more of it), or what it must be able to. */
export type BaseWish = string | BaseRequirements;

export interface BaseRequirements {
  /** Operating system, distribution, or distribution with version or code name: `linux`, `debian`, `debian:12`. */
  readonly os?: string;
  readonly arch?: Architecture;
  readonly packages?: readonly PackageRequirement[];
}

/** A package, and which versions of it will do; the relations are those of Debian Policy 7.1. */
export interface PackageRequirement {
  readonly name: string;
  readonly relation?: PackageRelation;
  readonly version?: string;
}

export const packageRelations = ['<<', '<=', '=', '>=', '>>'] as const;
export type PackageRelation = (typeof packageRelations)[number];

/** As Debian writes it: `python3 (>= 3.11)`. */
export const packageText = ({ name, relation, version }: PackageRequirement): string =>
  relation === undefined || version === undefined ? name : `${name} (${relation} ${version})`;

/** On one line: `linux x86_64, python3 (>= 3.11), r-base-core`. */
export function wishText(wish: BaseWish): string {
  if (typeof wish === 'string') return wish;
  const { os, arch, packages = [] } = wish;
  const machine = [os, arch].filter((word) => word !== undefined).join(' ');
  return [...(machine === '' ? [] : [machine]), ...packages.map(packageText)].join(', ') || 'any base';
}
