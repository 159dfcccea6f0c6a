import { isQcow2, openQcow2 } from '../../disk/qcow2/reader.js';
import { isVmdk, openVmdk } from '../../disk/vmdk/index.js';
import type { EnvelopeFile } from '../../model/envelope.js';
import { openReference } from '../../ovf/references.js';
import type { PackageFiles } from '../../ovf/package.js';

/**
 * The format of a disk as its first bytes say. Its header is checked by our own reader; the content is not looked at.
 *
 * @throws GvaError where it is a disk that is refused
 */
export async function packageDiskFormat(files: PackageFiles, file: EnvelopeFile): Promise<string> {
  // Expanding it would take as long as running it.
  if (file.compression === 'gzip') return 'compressed with gzip';
  await using source = await openReference(files, file, { expandTo: '' });
  if (await isVmdk(source)) {
    const { createType } = await openVmdk(source);
    return `VMDK (${createType})`;
  }
  if (!(await isQcow2(source))) return 'raw';
  await openQcow2(source);
  return 'qcow2';
}
