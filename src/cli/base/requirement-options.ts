import type { Command } from 'commander';
import type { Architecture } from '../../model/base.js';
import type { BaseRequirements, PackageRequirement } from '../../model/base-wish.js';
import { GvaError } from '../../system/errors.js';
import { repeatable } from '../action.js';

export interface RequirementOptions {
  os?: string;
  arch?: string;
  package: string[];
}

export function addRequirementOptions(command: Command): Command {
  return command
    .option('--os <name>', 'operating system or distribution: linux, debian, debian:12')
    .option('--arch <name>', 'x86_64 or aarch64')
    .addOption(repeatable('--package <package>', 'a package that it has: python3, "python3 (>= 3.11)"'));
}

/** @throws GvaError USAGE with all that is wrong */
export async function requirementsFrom({
  os,
  arch,
  package: packages,
}: RequirementOptions): Promise<BaseRequirements> {
  const text = await import('../../base/requirement-text.js');
  const parsed = packages.map(text.parsePackageRequirement);
  const problems = [
    ...told('--os', os === undefined ? undefined : text.osProblem(os)),
    ...told('--arch', arch === undefined ? undefined : text.archProblem(arch)),
    ...parsed.flatMap((each) => (typeof each === 'string' ? told('--package', each) : [])),
  ];
  if (problems.length > 0) throw new GvaError('USAGE', problems.join('\n'));
  return {
    ...(os === undefined ? {} : { os }),
    ...(arch === undefined ? {} : { arch: arch as Architecture }),
    ...(packages.length === 0
      ? {}
      : { packages: parsed.filter((each): each is PackageRequirement => typeof each !== 'string') }),
  };
}

const told = (option: string, problem: string | undefined): string[] =>
  problem === undefined ? [] : [`${option}: ${problem}`];
