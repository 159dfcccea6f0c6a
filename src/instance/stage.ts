import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { applianceImages, type ApplianceImages } from '../appliance/images.js';
import type { ApplianceFolder } from '../appliance/load.js';
import { parameterFiles } from '../appliance/parameter-files.js';
import type { Base } from '../base/store.js';
import { makeExt4 } from '../disk/ext4-image.js';
import { isoBytes, writeIso } from '../disk/iso9660/index.js';
import type { MediumEntry } from '../disk/medium-entry.js';
import type { ParameterValues } from '../model/parameter.js';
import { scratchFiles } from '../system/paths.js';
import type { Disk, MachineSpec } from '../vmm/driver.js';
import type { InputFile } from './identity.js';

/** What many instances of one appliance share; made once. */
export interface PreparedAppliance {
  readonly source: ApplianceFolder;
  readonly images: ApplianceImages;
  readonly base: Base;
}

export async function prepareAppliance(source: ApplianceFolder, base: Base): Promise<PreparedAppliance> {
  return { source, base, images: await applianceImages(source) };
}

export interface StageInput {
  readonly id: string;
  readonly parameters: ParameterValues;
  readonly files: readonly InputFile[];
}

/** Makes the media of one instance in its scratch folder and says what machine to start. */
export async function stage(
  prepared: PreparedAppliance,
  input: StageInput,
  folder: string,
): Promise<MachineSpec> {
  const { base, source } = prepared;
  const { hardware, output } = source.appliance;
  const outputFile = join(folder, scratchFiles.output);
  const [cdrom] = await Promise.all([
    writeParameterDisc(input, join(folder, scratchFiles.parameters)),
    makeExt4(outputFile, { label: 'GVA-OUT', size: output.size }),
  ]);
  return {
    id: input.id,
    cpus: hardware.cpus,
    memory: hardware.memory,
    boot: {
      kind: 'direct',
      kernel: join(base.folder, base.files.kernel.name),
      initrd: join(base.folder, base.files.initrd.name),
    },
    disks: [
      ...sharedDisks(prepared, folder),
      { id: 'output', image: outputFile, size: output.size, access: 'read-write' },
      { id: 'cdrom', ...cdrom, access: 'read-only' },
    ],
    folders: { uml: join(folder, scratchFiles.uml), hostfs: join(folder, scratchFiles.hostfs) },
  };
}

function sharedDisks({ base, images }: PreparedAppliance, folder: string): Disk[] {
  const { root } = base.files;
  const overlay = (id: Disk['id'], image: string, size: number, name: string): Disk => ({
    ...{ id, image, size, access: 'overlay' },
    overlay: join(folder, name),
  });
  return [
    overlay('root', join(base.folder, root.name), root.size, scratchFiles.rootOverlay),
    overlay('app', images.app.file, images.app.size, scratchFiles.appOverlay),
    ...(images.data ? [overlay('data', images.data.file, images.data.size, scratchFiles.dataOverlay)] : []),
  ];
}

async function writeParameterDisc(
  input: StageInput,
  image: string,
): Promise<{ image: string; size: number }> {
  const files: MediumEntry[] = input.files.map(({ name, source, size }) => ({
    kind: 'file',
    path: name,
    content: { source, size },
  }));
  const entries = [...parameterFiles(input.parameters, input.id), ...files];
  if (files.length > 0) return { image, ...(await writeIso(image, entries, { volumeId: 'OVF ENV' })) };
  const bytes = isoBytes(entries, { volumeId: 'OVF ENV' });
  await writeFile(image, bytes);
  return { image, size: bytes.length };
}
