import type { BaseEntry } from '../base/catalogue/catalogue.js';
import type { BaseChoice, PinnedBase } from '../base/wanted.js';
import { GvaError } from '../system/errors.js';
import { formatSize } from '../system/units.js';
import { messageColours as pc } from './colours.js';

export interface ChoiceOptions {
  choose?: boolean;
  json?: boolean;
}

export const CHOOSE = [
  '--choose',
  'ask which base image to take, where several have what is required',
] as const;

/** How a command finds the base of its appliance. */
export function baseChoice(
  { choose = false, json = false }: ChoiceOptions,
  signal: AbortSignal,
  pinned?: PinnedBase,
): BaseChoice {
  return {
    say: json ? () => undefined : (text) => console.error(pc.dim(text)),
    ...(choose ? { choose: (entries) => askFor(entries, signal) } : {}),
    pinned,
  };
}

async function askFor(entries: readonly BaseEntry[], signal: AbortSignal): Promise<BaseEntry> {
  const { canAsk, pickedNumber } = await import('./ask.js');
  if (!canAsk())
    throw new GvaError('USAGE', '--choose: there is no terminal to ask at', {
      hint: 'What there is: gva base find. Name one in gva.yaml: base: NAME, or base: NAME@DIGEST.',
    });
  for (const [index, entry] of entries.entries()) console.error(choiceLine(index + 1, entry));
  const number = await pickedNumber(`Which base image? [1] `, entries.length, signal);
  const chosen = entries[number - 1];
  if (!chosen) throw new Error('a number that is not on the list');
  return chosen;
}

function choiceLine(
  number: number,
  { name, mark, size, packageCount, builtAt, manifest }: BaseEntry,
): string {
  const day = new Date(builtAt).toISOString().slice(0, 10);
  const facts = `${packageCount} packages, ${formatSize(size)}, ${day}`;
  return `${String(number).padStart(3)}  ${name} (${mark}): ${facts}; ${manifest?.description ?? ''}`;
}
