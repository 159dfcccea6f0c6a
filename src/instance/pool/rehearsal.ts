import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { autorunName } from '../../appliance/autorun.js';
import { makeBlankDisk } from '../../disk/blank-disk.js';
import { ext4Size, makeExt4 } from '../../disk/ext4-image.js';
import { scratchFiles } from '../../system/paths.js';
import type { Disk, MachineSpec } from '../../vmm/driver.js';
import { writeParameterDisc } from '../parameter-disc.js';
import type { Scratch } from '../scratch.js';
import { type MachineShape, templateSpec } from '../template/shape.js';

/** Images that guests are rehearsed with, of no appliance and no point: many machines share them. */
export type RehearsalImages = Readonly<Partial<Record<Disk['id'], string>>>;

/** What most launchers do: read the parameters, start a program, write to the output disk. */
const launcher = '#!/bin/sh\n{\ncat /cdrom/param /cdrom/params.sh >rehearsed\n} || exit\n';

/**
 * Makes the media of an appliance after whose end the guest waits to be woken again (docs/guest-contract.md, "Waking").
 *
 * @param folder where they stay as long as machines are rehearsed with them
 */
export async function makeRehearsalImages(
  { disks }: Pick<MachineShape, 'disks'>,
  folder: string,
): Promise<RehearsalImages> {
  const file = (name: string) => join(folder, name);
  const hasData = disks.some(({ id }) => id === 'data');
  const images = { app: file('app.img'), cdrom: file('params.iso') };
  await writeParameterDisc({ id: 'rehearsal', parameters: {}, files: [] }, 'contract', images.cdrom);
  const generated = {
    [`script-bin/${autorunName}`]: launcher,
    '.gva/gvad.conf': `media=${hasData ? 'data ' : ''}output cdrom\nend=wake\n`,
  };
  const tree = file('tree');
  for (const [path, text] of Object.entries(generated)) {
    await mkdir(dirname(join(tree, path)), { recursive: true });
    await writeFile(join(tree, path), text, { mode: 0o755 });
  }
  await makeExt4(images.app, { label: 'GVA-APP', from: tree, ...ext4Size(4, 4096, 1 << 20) });
  await rm(tree, { recursive: true });
  if (!hasData) return images;
  await makeBlankDisk(file('data.img'), 'GVA-DATA', 1 << 20);
  return { ...images, data: file('data.img') };
}

/** A machine of the shape with these media, as it would be started cold; makes those that are its own. */
export async function rehearsalSpec(
  shape: MachineShape,
  images: RehearsalImages,
  { folder }: Scratch,
): Promise<MachineSpec> {
  const own = join(folder, scratchFiles.rehearsal);
  await mkdir(own);
  const folders = { uml: join(folder, scratchFiles.uml), hostfs: join(folder, scratchFiles.hostfs) };
  const spec = templateSpec(shape, own, folders);
  const disks = spec.disks.map((disk): Disk => {
    if (disk.id === 'root') return { ...disk, overlay: join(folder, scratchFiles.rootOverlay) };
    return { ...disk, image: images[disk.id] ?? disk.image };
  });
  for (const { id, image, size } of disks) if (id === 'output') await makeBlankDisk(image, 'GVA-OUT', size);
  return { ...spec, disks };
}
