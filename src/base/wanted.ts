import type { BaseWish } from '../model/base-wish.js';
import { ExitCode, GvaError } from '../system/errors.js';
import type { Choosing } from './choose.js';
import { satisfies } from './satisfies.js';
import { type Base, findBaseByDigest, loadBase } from './store.js';

/** The base that earlier instances of the same work had. */
export interface PinnedBase {
  readonly name: string;
  readonly digest: string;
  /** It is an error if it is gone. Else a plain name stands for its current base, and requirements are met anew. */
  readonly strict: boolean;
}

export interface BaseChoice extends Choosing {
  readonly pinned?: PinnedBase | undefined;
}

/**
 * The base that an appliance wishes for. A pinned one is taken as long as it is one that the wish may mean. For a plain
 * name, no catalogue is opened.
 *
 * @throws GvaError BASE_MISSING, BASE_BROKEN, BASE_UNMATCHED, BASE_GONE
 */
export async function wantedBase(wish: BaseWish, choice: BaseChoice): Promise<Base> {
  const pinned = choice.pinned && (await pinnedBase(wish, choice.pinned));
  if (pinned) return pinned;
  if (typeof wish === 'string') return loadBase(wish);
  const { chooseBase } = await import('./choose.js');
  return chooseBase(wish, choice);
}

async function pinnedBase(wish: BaseWish, pinned: PinnedBase): Promise<Base | undefined> {
  const { name, digest, strict } = pinned;
  if (typeof wish === 'string' && !(strict && isMeant(wish, pinned))) return undefined;
  const base = await findBaseByDigest(name, digest);
  if (base) return typeof wish === 'string' || satisfies(base, wish) ? base : undefined;
  if (!strict) return undefined;
  throw new GvaError(
    'BASE_GONE',
    `the base image it was begun with is gone: ${name}@${digest.slice(0, 16)}`,
    {
      exitCode: ExitCode.infrastructure,
      hint:
        'Get it from where it still is (gva base export there, gva base import here); or run the plan again with ' +
        'gva sweep run, which takes another base and runs all points anew.',
    },
  );
}

function isMeant(wish: string, { name, digest }: PinnedBase): boolean {
  const [wanted, prefix = ''] = wish.split('@');
  return wanted === name && digest.startsWith(prefix);
}
