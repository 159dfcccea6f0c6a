import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { GvaError } from '../../system/errors.js';
import { guestFile } from '../../system/package.js';
import { gvadFiles } from '../root-files.js';
import type { OciImage } from './layout.js';

/** Raise when the build itself changes in a way that changes its bytes. */
const buildVersion = 2;

const guestFiles = [...gvadFiles, 'initrd-init', 'oci/init', 'oci/run'];

/** SHA-256 of the image and of what this project puts in: a base that was made of the same need not be made again. */
export async function ociInputs({ digest }: Pick<OciImage, 'digest'>): Promise<string> {
  const hash = createHash('sha256').update(`oci ${buildVersion} ${digest}\n`);
  for (const name of guestFiles) hash.update(await readFile(guestFile(name))).update('\0');
  return hash.digest('hex');
}

/** @param text `oci:DIR` or `oci:DIR:TAG` @throws GvaError OCI_REFERENCE */
export function imageReference(text: string): { folder: string; tag?: string } {
  const [matched, folder = '', tag] = /^oci:([^:]+)(?::([^:]+))?$/.exec(text) ?? [];
  if (matched !== undefined) return { folder: resolve(folder), ...(tag !== undefined && { tag }) };
  throw new GvaError('OCI_REFERENCE', `${JSON.stringify(text)} names no container image`, {
    hint: 'oci:DIR, or oci:DIR:NAME where there are several in it.',
  });
}

/** The name that was asked for, or one that is made up. @throws GvaError BASE_NAME */
export function imageBaseName(name: string | undefined, image: OciImage): string {
  if (name === undefined) return ociName(image);
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name) && !/^micro(-|$)/.test(name)) return name;
  throw new GvaError('BASE_NAME', `${JSON.stringify(name)} cannot be the name of a container image's base`, {
    hint: 'Letters, digits, ".", "_" and "-"; names that begin with "micro" are those of other bases.',
  });
}

/** Name of the base of an image that is given none: of its folder, and of its digest, so that one image is one base. */
export function ociName({ folder, digest }: Pick<OciImage, 'folder' | 'digest'>): string {
  const word = basename(folder).replaceAll(/[^A-Za-z0-9._-]/g, '_');
  return `oci-${word.slice(0, 40)}-${digest.slice('sha256:'.length, 'sha256:'.length + 8)}`;
}
