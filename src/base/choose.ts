import { existsSync } from 'node:fs';
import { type BaseRequirements, type BaseWish, wishText } from '../model/base-wish.js';
import { ExitCode, GvaError } from '../system/errors.js';
import { baseFiles } from '../system/paths.js';
import { type BaseEntry, readCatalogue } from './catalogue/catalogue.js';
import type { Shortcoming } from './catalogue/match.js';
import { howToMake } from './how-to-make.js';
import { type Base, loadBase } from './store.js';

/** How a base is chosen that is not named. */
export interface Choosing {
  /** Told, in a sentence, which base was chosen, and what was wrong with the catalogue. */
  readonly say: (text: string) => void;
  /** Chooses one of several, the best first; that one where absent. */
  readonly choose?: ((entries: readonly BaseEntry[]) => Promise<BaseEntry>) | undefined;
}

/**
 * The base that an appliance wishes for. Of several that have what is required, the best one by the order of
 * `Catalogue.find()`.
 *
 * @throws GvaError BASE_MISSING, BASE_BROKEN; BASE_UNMATCHED, which says what the nearest lack and how to make one
 */
export async function chooseBase(wish: BaseWish, { say, choose }: Choosing): Promise<Base> {
  if (typeof wish === 'string') return loadBase(wish);
  const entries = await findEntries(wish, choose ? -1 : 1, say);
  const [best] = entries;
  if (!best) throw await unmatched(wish, say);
  const chosen = choose && entries.length > 1 ? await choose(entries) : best;
  say(`base ${chosen.name} (${chosen.mark}), for ${wishText(wish)}`);
  return loadBase(`${chosen.name}@${chosen.mark}`);
}

/** As `Catalogue.find()`, without those that somebody has just removed by hand. */
export async function findEntries(
  requirements: BaseRequirements,
  limit: number,
  say: (text: string) => void,
): Promise<BaseEntry[]> {
  const isThere = ({ folder }: BaseEntry) => existsSync(`${folder}/${baseFiles.manifest}`);
  const entries = await readCatalogue(false, say, (catalogue) => catalogue.find(requirements, limit));
  if (entries.every(isThere)) return entries;
  return (await readCatalogue(true, say, (catalogue) => catalogue.find(requirements, limit))).filter(isThere);
}

/** Candidates that are told of. */
const mostTold = 5;

async function unmatched(wish: BaseRequirements, say: (text: string) => void): Promise<GvaError> {
  const { missing, advice } = await explainUnmatched(wish, say);
  return new GvaError('BASE_UNMATCHED', missing.join('\n'), {
    exitCode: ExitCode.infrastructure,
    hint: advice.join('\n'),
  });
}

/** Why no base will do, in lines for people: what the nearest ones lack; and what to do about it. */
export async function explainUnmatched(
  wish: BaseRequirements,
  say: (text: string) => void,
): Promise<{ missing: string[]; advice: string[] }> {
  const nearest = await readCatalogue(false, say, (catalogue) => catalogue.shortcomings(wish, mostTold));
  const message = `no base image on this machine has what is required: ${wishText(wish)}`;
  return { missing: [message, ...nearest.map(lackLine)], advice: await howToMake(wish) };
}

const lackLine = ({ name, lacks }: Shortcoming) => `  ${name} lacks ${lacks.join('; ')}`;
