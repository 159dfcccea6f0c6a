import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { PreparedAppliance } from '../instance/prepare.js';
import type { GridImage, GridWork } from '../model/grid.js';
import { ensureFolder, publishFile, writeFileAtomically } from '../system/files.js';
import { linkOnce } from '../system/lost-replies.js';
import { packageVersion } from '../system/package.js';
import { gridFiles, gridImage, imagesFolder } from '../system/paths.js';
import { runTool } from '../system/process.js';
import { rememberedDigest } from '../system/remembered-digest.js';

/** What workers are to know beside the appliance. */
export type WorkSettings = Pick<
  GridWork,
  'vmm' | 'start' | 'qemu' | 'limits' | 'keep' | 'keepDisks' | 'checkpointEvery' | 'nodeCache'
>;

/**
 * Puts all that workers need into the sweep's folder: images, once, by digest, and a file that says what all elements have
 * in common. A file of a digest is never changed, so that jobs of an earlier run keep theirs.
 *
 * @param sweep folder of the sweep
 * @returns name of the file
 */
export async function writeWork(
  sweep: string,
  prepared: PreparedAppliance,
  settings: WorkSettings,
): Promise<string> {
  await ensureFolder(join(sweep, gridFiles.folder, gridFiles.images));
  const { appliance, digest, base } = prepared;
  const work: GridWork = {
    format: 'gva-grid-work/1',
    gva: packageVersion(),
    ...{ appliance, digest, base: { name: base.name, digest: base.digest } },
    machine: await machineOf(sweep, prepared),
    ...settings,
  };
  const text = JSON.stringify(work);
  const name = gridFiles.work(createHash('sha256').update(text).digest('hex'));
  const file = join(sweep, gridFiles.folder, name);
  if (!existsSync(file)) await writeFileAtomically(file, text);
  return name;
}

async function machineOf(sweep: string, { machine }: PreparedAppliance): Promise<GridWork['machine']> {
  const put = async (file: string): Promise<GridImage> => {
    const sha256 = await rememberedDigest(file, imagesFolder());
    await place(file, gridImage(sweep, sha256));
    return { size: (await stat(file)).size, sha256 };
  };
  if (machine.kind === 'plain') {
    const { firmware, hardware } = machine;
    const disks = [];
    for (const { image, role } of machine.disks)
      disks.push({ image: await put(image.file), ...(role ? { role } : {}) });
    return { kind: 'plain', disks, firmware, hardware };
  }
  const { base, app, data, outputOn } = machine;
  const { folder, ...manifest } = base;
  const { root, kernel, initrd, disk } = base.files;
  for (const { name, sha256 } of root ? [root, kernel, initrd] : [disk])
    await place(join(folder, name), gridImage(sweep, sha256));
  return {
    kind: 'contract',
    base: manifest,
    app: await put(app.file),
    ...(data ? { data: await put(data.file) } : {}),
    outputOn,
  };
}

/** A second name of the same file where that is possible: images are never changed. */
async function place(file: string, target: string): Promise<void> {
  if (existsSync(target)) return;
  await publishFile(target, async (temporary) => {
    await linkOnce(file, temporary).catch(() =>
      runTool('cp', ['--sparse=always', '--reflink=auto', '--', file, temporary]),
    );
  });
}
