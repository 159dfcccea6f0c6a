import { GvaError } from '../../system/errors.js';
import { nearestName } from '../../system/nearest-name.js';
import { runTool } from '../../system/process.js';

/** Names that apt says it does not know. */
export const unknownPackages = (said: string): string[] =>
  [
    ...said.matchAll(/E: Unable to locate package (\S+)/g),
    ...said.matchAll(/E: Package '([^']+)' has no installation candidate/g),
  ].flatMap(([, name]) => name ?? []);

export function packageUnknown(names: readonly string[], suite?: string): GvaError {
  return new GvaError(
    'PACKAGE_UNKNOWN',
    `apt knows no package ${[...new Set(names)].join(', ')}${suite ? ` in ${suite}` : ''}`,
    {
      hint: 'Look for its name: apt-cache search WORD; or bring the lists up to date: sudo apt-get update',
    },
  );
}

/**
 * The same, with the name that was meant, if there is one like it. Only names that begin alike are looked at: apt knows tens
 * of thousands.
 *
 * @param options of apt-cache
 */
export async function unknownWithNearest(
  names: readonly string[],
  options: readonly string[] = [],
): Promise<GvaError> {
  const error = packageUnknown(names);
  const [name = ''] = names;
  const args = [...options, 'pkgnames', name.slice(0, 2)];
  const known = await runTool('apt-cache', args).catch(() => Buffer.alloc(0));
  const nearest = nearestName(name, known.toString().split('\n').filter(Boolean));
  if (nearest === undefined) return error;
  return new GvaError(error.code, error.message, { hint: `Did you mean ${nearest}? ${error.hint ?? ''}` });
}
