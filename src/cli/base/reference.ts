import type { BaseEntry } from '../../base/catalogue/catalogue.js';
import { GvaError } from '../../system/errors.js';
import { messageColours as pc } from '../colours.js';

/** For what a command has to say of the catalogue itself. */
export const note = (text: string): void => console.error(pc.dim(text));

/**
 * The bases that `NAME` or `NAME@DIGEST` names, the current one first; of a digest its first digits do, if they are of one
 * base only.
 *
 * @throws GvaError BASE_MISSING, BASE_AMBIGUOUS
 */
export async function entriesNamed(reference: string): Promise<[BaseEntry, ...BaseEntry[]]> {
  const { readCatalogue } = await import('../../base/catalogue/catalogue.js');
  const { nearestName } = await import('../../system/nearest-name.js');
  const [name = '', digest = ''] = reference.split('@');
  const named = await readCatalogue(true, note, (catalogue) => catalogue.named(name));
  const [first, ...others] = named.filter((entry) => isOf(entry, digest));
  if (!first) {
    const names = await readCatalogue(false, note, (catalogue) =>
      catalogue.list().map((entry) => entry.name),
    );
    const near = nearestName(name, names);
    const meant = near === undefined || near === name ? '' : `Did you mean ${near}? `;
    throw new GvaError(
      'BASE_MISSING',
      `there is no base image ${JSON.stringify(reference)} on this machine`,
      {
        hint: `${meant}What there is: gva base list --all`,
      },
    );
  }
  if (digest !== '' && others.length > 0)
    throw new GvaError('BASE_AMBIGUOUS', `several base images are ${reference}`, {
      hint: `More digits: ${[first, ...others].map(({ mark }) => `${name}@${mark}`).join(', ')}`,
    });
  return [first, ...others];
}

/** Of more digits than its folder's name has, the base itself tells. */
const isOf = ({ mark, manifest }: BaseEntry, digest: string): boolean =>
  digest.length <= mark.length ? mark.startsWith(digest) : (manifest?.digest.startsWith(digest) ?? false);
