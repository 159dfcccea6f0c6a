import type { ParameterValues } from '../model/parameter.js';
import { digestText } from '../system/files.js';

/** A file given to an instance on its CD. */
export interface InputFile {
  /** On the CD; '/' between names. */
  readonly name: string;
  /** On the host. */
  readonly source: string;
  /** Bytes. */
  readonly size: number;
  readonly sha256: string;
}

/** What an instance computes, as a digest: the same appliance, base, parameters and files. */
export function instanceIdentity(
  applianceDigest: string,
  baseDigest: string,
  parameters: ParameterValues,
  files: readonly Pick<InputFile, 'name' | 'sha256'>[],
): string {
  const sorted = files
    .map(({ name, sha256 }) => [name, sha256])
    .sort(([a = ''], [b = '']) => (a < b ? -1 : 1));
  return digestText(JSON.stringify([applianceDigest, baseDigest, Object.entries(parameters), sorted]));
}
