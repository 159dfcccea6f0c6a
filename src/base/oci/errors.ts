import { printable } from '../../disk/findings.js';
import { GvaError } from '../../system/errors.js';

/** What is in a layer cannot become a root file system. */
export const ociLayerError = (problem: string): GvaError =>
  new GvaError('OCI_LAYER', `the container image cannot be unpacked: ${printable(Buffer.from(problem))}`, {
    hint: 'Have it made again: skopeo copy SOURCE oci:DIR',
  });

/** The folder is no OCI image layout that holds what it says. */
export const ociLayoutError = (folder: string, problem: string, hint?: string): GvaError =>
  new GvaError('OCI_LAYOUT', `${folder} cannot be used: ${printable(Buffer.from(problem))}`, {
    hint: hint ?? 'An OCI image layout is made by: skopeo copy SOURCE oci:DIR, or buildah push IMAGE oci:DIR',
  });
