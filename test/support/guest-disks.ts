import { mkdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Base, rootDiskOf } from '../../src/base/store.js';
import { ext4Size, makeExt4 } from '../../src/disk/ext4-image.js';
import { isoBytes } from '../../src/disk/iso9660/index.js';
import type { MediumEntry } from '../../src/disk/medium-entry.js';
import { bootOf } from '../../src/instance/stage.js';
import type { Disk, MachineSpec } from '../../src/vmm/driver.js';

/** Disks of a guest as some other host might attach them. */
export interface Media {
  /** Files of the application disk; those in script-bin are executable. */
  app: Record<string, string>;
  /** Bytes; a blank disk without a file system. */
  blankOutput?: number;
  output?: boolean;
  cdrom?: MediumEntry[];
}

/** Makes the images, ID.img, in the folder. */
export async function makeDisks(folder: string, { app, blankOutput, output, cdrom }: Media): Promise<Disk[]> {
  const tree = join(folder, 'tree');
  for (const [path, text] of Object.entries(app)) {
    await mkdir(join(tree, path, '..'), { recursive: true });
    const isScript = path.startsWith('script-bin/');
    await writeFile(join(tree, path), isScript ? `#!/bin/sh\n${text}\n` : text, {
      mode: isScript ? 0o755 : 0o644,
    });
  }
  const image = (id: string) => join(folder, `${id}.img`);
  const appSize = ext4Size(100, 0, 8 << 20);
  await makeExt4(image('app'), { label: 'GVA-APP', from: tree, ...appSize });
  const disks: Disk[] = [{ id: 'app', image: image('app'), size: appSize.size, access: 'read-write' }];
  if (output) {
    await makeExt4(image('output'), { label: 'GVA-OUT', size: 16 << 20 });
    disks.unshift({ id: 'output', image: image('output'), size: 16 << 20, access: 'read-write' });
  }
  if (blankOutput !== undefined) {
    await writeFile(image('output'), '');
    await truncate(image('output'), blankOutput);
    disks.unshift({ id: 'output', image: image('output'), size: blankOutput, access: 'read-write' });
  }
  if (cdrom) {
    const bytes = isoBytes(cdrom, { volumeId: 'OVF ENV' });
    await writeFile(image('cdrom'), bytes);
    disks.unshift({ id: 'cdrom', image: image('cdrom'), size: bytes.length, access: 'read-only' });
  }
  return disks;
}

/** A machine that boots the base with these disks; overlays come into `folder`. */
export function machineWith(
  base: Base,
  folder: string,
  scratch: string,
  disks: readonly Disk[],
): MachineSpec {
  const { name, size } = rootDiskOf(base);
  const root: Disk = {
    ...{ id: 'root', image: join(base.folder, name), size },
    ...{ access: 'overlay', overlay: join(folder, 'root.overlay') },
  };
  return {
    ...{ id: 'test', cpus: 1, memory: 256 << 20 },
    ...bootOf({ base }, folder),
    disks: [root, ...disks],
    folders: { uml: join(scratch, 'uml'), hostfs: join(scratch, 'hostfs') },
  };
}
