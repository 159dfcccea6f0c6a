import type { ParameterDeclaration } from '../../model/parameter.js';
import type { Entry } from './entry.js';

/** A list of numbers that the parameter could have; undefined, and told, where it is none. */
export function readNumbers(
  declaration: ParameterDeclaration,
  list: Entry,
  form: string,
  { least, most }: { least: number; most: number },
): number[] | undefined {
  if (declaration.type !== 'int' && declaration.type !== 'float')
    return list.fail(`a ${declaration.type} has no ranges: list its values`);
  const items: unknown = list.value;
  if (!Array.isArray(items) || items.length < least || items.length > most)
    return list.fail(`must be ${form}`);
  const kind = declaration.type === 'int' ? 'an integer' : 'a number';
  const fits = declaration.type === 'int' ? Number.isSafeInteger : Number.isFinite;
  const wrong = items.flatMap((value, index) => (fits(value) ? [] : [index]));
  for (const index of wrong) list.at(index).fail(`must be ${kind}, not ${shown(items[index])}`);
  return wrong.length > 0 ? undefined : (items as number[]);
}

/** A whole number from `least` to `most`; undefined, and told, where it is none. */
export function readWhole(entry: Entry, least: number, most = Number.MAX_SAFE_INTEGER): number | undefined {
  const { value } = entry;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most)
    return value;
  const limits = most === Number.MAX_SAFE_INTEGER ? `from ${least} on` : `from ${least} to ${most}`;
  return entry.fail(
    value === undefined
      ? `is missing: a whole number ${limits}`
      : `must be a whole number ${limits}, not ${shown(value)}`,
  );
}

/** A seed: any integer from 0 on; 0 where it is absent. Undefined, and told, where it is something else. */
export function readSeed(entry: Entry): number | undefined {
  return entry.value === undefined ? 0 : readWhole(entry, 0);
}

/** A value in a message; those that are long are cut. */
export function shown(value: unknown): string {
  const text = typeof value === 'number' ? String(value) : (JSON.stringify(value) as string | undefined);
  if (text === undefined) return String(value);
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
