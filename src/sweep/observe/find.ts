import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { GvaError } from '../../system/errors.js';
import { sweepFiles } from '../../system/paths.js';
import { type KnownSweep, knownSweeps } from './registry.js';

/**
 * The folder of a sweep, from its path or its name. A path goes first: `./NAME` and `NAME/` are never names.
 *
 * @throws GvaError SWEEP_UNKNOWN, SWEEP_AMBIGUOUS
 */
export async function findSweep(nameOrFolder: string): Promise<string> {
  if (isSweepFolder(nameOrFolder)) return nameOrFolder;
  const named = nameOrFolder.includes('/') ? [] : await sweepsNamed(nameOrFolder);
  const there = named.filter(({ folder }) => isSweepFolder(folder));
  if (there.length > 1) throw ambiguous(nameOrFolder, there);
  if (there[0]) return there[0].folder;
  if (existsSync(nameOrFolder))
    throw new GvaError(
      'SWEEP_UNKNOWN',
      `${nameOrFolder} is no folder of a sweep: it has no ${sweepFiles.sweep}`,
      {
        hint: hintToList,
      },
    );
  const gone = named[0] ? `: its folder ${named[0].folder} is gone` : '';
  throw new GvaError('SWEEP_UNKNOWN', `there is no sweep ${nameOrFolder}${gone}`, { hint: hintToList });
}

export const isSweepFolder = (folder: string) => existsSync(join(folder, sweepFiles.sweep));

const sweepsNamed = async (name: string) => (await knownSweeps()).filter((sweep) => sweep.name === name);

const hintToList = 'Name a folder, or a sweep that is known: gva sweep list';

const ambiguous = (name: string, sweeps: readonly KnownSweep[]) =>
  new GvaError(
    'SWEEP_AMBIGUOUS',
    `${sweeps.length} sweeps have the name ${name}:\n${sweeps.map(({ folder }) => `  ${folder}`).join('\n')}`,
    { hint: 'Name the folder.' },
  );
