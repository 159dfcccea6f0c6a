import type { PackageProblem } from '../model/envelope.js';
import { digestAlgorithm, digestLength, type DigestAlgorithm } from './digest.js';
import { normalName, shownName } from './package/member-name.js';

/** A line of a manifest. */
export interface ManifestEntry {
  /** Of a member, as by `normalName`; any text that a stranger wrote. */
  readonly name: string;
  readonly algorithm: DigestAlgorithm;
  /** Lower-case hexadecimal. */
  readonly digest: string;
  /** Line of the file, from 1. */
  readonly line: number;
}

export interface Manifest {
  /** Of the member that it is. */
  readonly name: string;
  readonly entries: readonly ManifestEntry[];
  readonly problems: readonly PackageProblem[];
}

/** Problems that are kept: a hostile file has a million. */
const MOST_PROBLEMS = 20;

/**
 * Reads a manifest (DSP0243 1.1.0, 5.1) of any producer: spaces before `(` and around `=`, CRLF, no newline at the
 * end, any digest algorithm that is known. What is no such line is a warning; a digest of the wrong length, or
 * another one than before for the same file, is an error.
 */
export function parseManifest(content: Buffer, name: string): Manifest {
  const entries = new Map<string, ManifestEntry>();
  const problems: PackageProblem[] = [];
  const report = (severity: PackageProblem['severity'], line: number, message: string) => {
    if (problems.length < MOST_PROBLEMS) problems.push({ severity, place: `${name}:${line}`, message });
  };
  for (const [index, text] of linesOf(content).entries()) {
    if (text === '') continue;
    const entry = parseDigestLine(text);
    if (entry === undefined) {
      report('warning', index + 1, 'not a line of a manifest: ignored');
      continue;
    }
    const key = `${entry.algorithm} ${entry.name}`;
    const before = entries.get(key);
    if (entry.digest.length !== digestLength[entry.algorithm])
      report(
        'error',
        index + 1,
        `the ${entry.algorithm} digest of "${shownName(entry.name)}" has a wrong length`,
      );
    if (before !== undefined && before.digest !== entry.digest)
      report('error', index + 1, `"${shownName(entry.name)}" has another digest than in line ${before.line}`);
    if (before === undefined) entries.set(key, { ...entry, line: index + 1 });
  }
  return { name, entries: [...entries.values()], problems };
}

/** Lines without what surrounds them. */
export function linesOf(content: Buffer): string[] {
  return content
    .toString('utf8')
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\r|\n/)
    .map((line) => line.trim());
}

/** Bytes of a line that can name a member. */
const LONGEST_LINE = 8192;

/** `SHA256(name)= hex` of a manifest or a certificate file; undefined where the line is none. */
export function parseDigestLine(line: string): Omit<ManifestEntry, 'line'> | undefined {
  if (line.length > LONGEST_LINE) return undefined;
  const [, algorithm = '', name = '', digest = ''] =
    /^([A-Za-z0-9-]+) *\((.+)\) *= *([0-9A-Fa-f]+)$/.exec(line) ?? [];
  const known = digestAlgorithm(algorithm);
  return known && { name: normalName(name.trim()), algorithm: known, digest: digest.toLowerCase() };
}

/**
 * Writes a manifest as VMware's tools take it: no space before `(`, one after `=`, a newline at the end. SHA1 is for
 * their old ones.
 */
export function formatManifest(
  entries: readonly Pick<ManifestEntry, 'name' | 'digest'>[],
  algorithm: DigestAlgorithm = 'SHA256',
): string {
  return entries.map(({ name, digest }) => digestLine(algorithm, name, digest)).join('');
}

/** Bytes of the manifest of members with these names, for reserving its place. */
export function manifestSize(names: readonly string[], algorithm: DigestAlgorithm = 'SHA256'): number {
  const digest = '0'.repeat(digestLength[algorithm]);
  return Buffer.byteLength(
    formatManifest(
      names.map((name) => ({ name, digest })),
      algorithm,
    ),
  );
}

export const digestLine = (algorithm: DigestAlgorithm, name: string, digest: string) =>
  `${algorithm}(${name})= ${digest}\n`;
