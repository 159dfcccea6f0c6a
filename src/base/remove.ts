import { readdir, rename, rm, rmdir, symlink } from 'node:fs/promises';
import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { ExitCode, GvaError } from '../system/errors.js';
import { temporarySibling } from '../system/files.js';
import { baseFolder, basesFolder, currentBase } from '../system/paths.js';
import { removeAbandonedIn } from '../system/temporary.js';
import { whileOnlyBuilder } from './build-folder.js';
import { type FoundBase, findBases } from './catalogue/scan.js';
import { type BaseNeed, needsOf } from './needs.js';
import { usersOf } from './use.js';

/** A base among those of its name. */
export type BasePlace = Pick<FoundBase, 'name' | 'mark' | 'current'>;

export const placeFolder = ({ name, mark }: BasePlace): string => join(baseFolder(name), mark);

/** Why a base must not be removed, a line for each reason. */
export async function hindrances(base: BasePlace): Promise<string[]> {
  const needs = (await needsOf(base.mark)).filter(({ kind }) => kind !== 'appliance' || base.current);
  const users = usersOf(realpathSync(placeFolder(base)));
  return [
    ...needs.map((need) => `needed by the ${kindText[need.kind]} ${need.path}`),
    ...users.map((pid) => `in use by the process ${pid}`),
  ];
}

const kindText: Readonly<Record<BaseNeed['kind'], string>> = {
  package: 'thin package',
  sweep: 'sweep in',
  appliance: 'appliance in',
  layer: 'layer',
  template: 'template',
};

/** Removes what is left of bases whose removal was broken off: they are no bases any more, and as large as they were. */
export const removeRemains = (): Promise<void> => removeAbandonedIn(basesFolder());

/**
 * Removes bases of one name. Machines that run from them go on: they have its files open. If the current one is among them, the
 * newest of those that stay becomes the current one. It waits for a build of that name.
 *
 * @param force also what is needed or in use
 * @throws GvaError BASE_NEEDED, before anything is removed
 */
export async function removeBases(
  name: string,
  chosen: readonly BasePlace[],
  force: boolean,
  say: (step: string) => void,
  signal?: AbortSignal,
): Promise<void> {
  await whileOnlyBuilder(name, say, signal, async () => {
    if (!force) await checkHindrances(chosen);
    await passOn(name, new Set(chosen.map(({ mark }) => mark)));
    for (const base of chosen) {
      // Whatever ends this process, the base is there as a whole or not at all.
      const aside = temporarySibling(join(basesFolder(), 'removed'));
      await rename(placeFolder(base), aside);
      await rm(aside, { recursive: true, force: true });
    }
    if ((await readdir(baseFolder(name))).length === 0) await rmdir(baseFolder(name));
  });
}

async function checkHindrances(bases: readonly BasePlace[]): Promise<void> {
  const lines: string[] = [];
  for (const base of bases)
    lines.push(...(await hindrances(base)).map((line) => `${base.name}@${base.mark} is ${line}`));
  if (lines.length === 0) return;
  throw new GvaError('BASE_NEEDED', `the base image is not removed:\n${lines.join('\n')}`, {
    hint: 'To remove it nevertheless: --force',
    exitCode: ExitCode.usage,
  });
}

/** Lets the name stand for the newest of the bases that stay. */
async function passOn(name: string, going: ReadonlySet<string>): Promise<void> {
  const all = findBases(name);
  const link = join(baseFolder(name), currentBase);
  if (!all.some(({ mark, current }) => current && going.has(mark))) return;
  const heirs = all.filter(({ mark, problem }) => !going.has(mark) && problem === undefined);
  const [newest] = heirs.sort((one, other) => other.builtAt - one.builtAt);
  if (!newest) return rm(link, { force: true });
  const made = temporarySibling(link);
  await symlink(newest.mark, made);
  await rename(made, link);
}
