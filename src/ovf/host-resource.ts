import type { Envelope, EnvelopeDisk, EnvelopeFile } from '../model/envelope.js';

/** What backs a virtual device. */
export type HostResource =
  | { readonly kind: 'disk'; readonly disk: EnvelopeDisk }
  | { readonly kind: 'file'; readonly file: EnvelopeFile }
  /** A disk or file that the package does not have. */
  | { readonly kind: 'missing' }
  /** Something of the producer's host, such as a device. */
  | { readonly kind: 'foreign' };

/**
 * What texts of HostResource mean: `ovf:/disk/ID` and `ovf:/file/ID` (DSP0243 1.1.0, 8.3), `/disk/ID` of OVF 0.9
 * and VirtualBox, `ovf://disk/ID`, and the bare file of a disk, as oVirt has it.
 */
export function hostResourcesOf({
  files,
  disks,
}: Pick<Envelope, 'files' | 'disks'>): (text: string) => HostResource {
  const diskOfId = new Map(disks.map((disk) => [disk.id, disk]));
  const diskOfFile = new Map(disks.map((disk) => [disk.fileRef, disk]));
  const fileOfId = new Map(files.map((file) => [file.id, file]));
  return (text) => {
    const match = /^(?:ovf:\/?)?\/(disk|file)\/(.+)$/s.exec(text.trim());
    const [, kind, id = ''] = match ?? [];
    const disk = match === null ? (diskOfId.get(text) ?? diskOfFile.get(text)) : diskOfId.get(id);
    if (kind !== 'file' && disk !== undefined) return { kind: 'disk', disk };
    if (match === null) return { kind: 'foreign' };
    const file = kind === 'file' ? fileOfId.get(id) : undefined;
    return file === undefined ? { kind: 'missing' } : { kind: 'file', file };
  };
}
