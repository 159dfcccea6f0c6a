import type { PackageRelation } from '../model/base-wish.js';

/**
 * Versions of Debian packages, in order, by Debian Policy 5.6.12 and deb-version(7). Anything else that packages have as
 * versions is compared by the same rules.
 *
 * @returns less than 0, 0 or more than 0, as the first is earlier, equal or later
 */
export function compareDebianVersions(one: string, other: string): number {
  const [a, b] = [partsOf(one), partsOf(other)];
  return a.epoch - b.epoch || compareParts(a.upstream, b.upstream) || compareParts(a.revision, b.revision);
}

export function versionSatisfies(version: string, relation: PackageRelation, wanted: string): boolean {
  const order = compareDebianVersions(version, wanted);
  return { '<<': order < 0, '<=': order <= 0, '=': order === 0, '>=': order >= 0, '>>': order > 0 }[relation];
}

/** `[EPOCH:]UPSTREAM[-REVISION]`; the same characters as dpkg takes. */
export const isDebianVersion = (text: string): boolean =>
  text.length <= 200 && /^(?:\d{1,9}:)?\d[A-Za-z0-9.+:~-]*$/.test(text) && !/-$/.test(text);

function partsOf(version: string): { epoch: number; upstream: string; revision: string } {
  const [, epoch = '0', rest = ''] = /^(?:(\d+):)?(.*)$/s.exec(version) ?? [];
  const dash = rest.lastIndexOf('-');
  const [upstream, revision] = dash < 0 ? [rest, ''] : [rest.slice(0, dash), rest.slice(dash + 1)];
  return { epoch: Number(epoch), upstream, revision };
}

/** By turns what is no digit, then digits, until there is a difference. */
function compareParts(one: string, other: string): number {
  const [a, b] = [runsOf(one), runsOf(other)];
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const order = compareRuns(a[index], b[index]);
    if (order !== 0) return order;
  }
  return 0;
}

interface Run {
  readonly text: string;
  readonly digits: string;
}

const runsOf = (part: string): Run[] =>
  [...part.matchAll(/(\D*)(\d*)/g)].map(([, text = '', digits = '']) => ({ text, digits }));

function compareRuns(a: Run = { text: '', digits: '' }, b: Run = { text: '', digits: '' }): number {
  return compareTexts(a.text, b.text) || compareNumbers(a.digits, b.digits);
}

/** Of any length; no digits are a zero. */
function compareNumbers(one: string, other: string): number {
  const [a, b] = [one.replace(/^0+/, ''), other.replace(/^0+/, '')];
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : Number(a > b);
}

/** A tilde is before everything, even the end; letters are before what is none. */
function compareTexts(one: string, other: string): number {
  for (let at = 0; at < Math.max(one.length, other.length); at++) {
    const order = weightOf(one[at]) - weightOf(other[at]);
    if (order !== 0) return order;
  }
  return 0;
}

function weightOf(character: string | undefined): number {
  if (character === undefined) return 0;
  if (character === '~') return -1;
  const code = character.charCodeAt(0);
  return /[A-Za-z]/.test(character) ? code : code + 256;
}
