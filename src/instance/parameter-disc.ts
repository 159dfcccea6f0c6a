import { writeFile } from 'node:fs/promises';
import { environmentFile, parameterFiles } from '../appliance/parameter-files.js';
import { isoBytes, writeIso } from '../disk/iso9660/index.js';
import type { MediumEntry } from '../disk/medium-entry.js';
import type { ParameterValues } from '../model/parameter.js';
import { GvaError } from '../system/errors.js';
import type { InputFile } from './identity.js';
import { isScript } from './input-files.js';
import type { PreparedAppliance } from './prepare.js';

/** What is on the parameter CD of an instance. */
export interface DiscContent {
  readonly id: string;
  readonly parameters: ParameterValues;
  readonly files: readonly InputFile[];
  /** The guest stays when its scripts have ended, until it is told to end. */
  readonly keepRunning?: boolean;
}

/**
 * Writes the parameter CD of an instance. A plain machine, which knows nothing of GVA, gets the OVF environment only.
 */
export async function writeParameterDisc(
  input: DiscContent,
  kind: MachineKind,
  image: string,
): Promise<{ image: string; size: number }> {
  const entries = entriesOf(input, kind);
  if (input.files.length > 0) return { image, ...(await writeIso(image, entries, { volumeId: 'OVF ENV' })) };
  const bytes = isoBytes(entries, { volumeId: 'OVF ENV' });
  await writeFile(image, bytes);
  return { image, size: bytes.length };
}

/**
 * The same on a floppy of 1.44 MB.
 *
 * @throws GvaError PARAMS_FLOPPY where they do not fit, or have names that FAT cannot hold
 */
export async function writeParameterFloppy(
  input: DiscContent,
  kind: MachineKind,
  image: string,
): Promise<{ image: string; size: number }> {
  try {
    const { writeFat } = await import('../disk/fat/index.js');
    await writeFat(image, entriesOf(input, kind), { label: 'GVA-FLOPPY', size: floppySize });
    return { image, size: floppySize };
  } catch (error) {
    if (!(error instanceof GvaError) || error.code !== 'MEDIUM_ENTRY') throw error;
    throw new GvaError('PARAMS_FLOPPY', `the parameters cannot be put on a floppy: ${error.message}`, {
      hint: 'Give them on a CD: --params-on cd',
      cause: error,
    });
  }
}

type MachineKind = PreparedAppliance['machine']['kind'];

/** Bytes of a 3.5 inch floppy, high density. */
const floppySize = 1440 << 10;

/** The files and folders on it. */
export function entriesOf(
  { parameters, id, files, keepRunning }: DiscContent,
  kind: MachineKind,
): MediumEntry[] {
  // Names of others' properties may be none of a file or of a shell variable.
  const values = kind === 'plain' ? [environmentFile(parameters, id)] : parameterFiles(parameters, id);
  const stays: MediumEntry = { kind: 'file', path: '.gva/gvad.conf', content: Buffer.from('end=wait\n') };
  return [
    ...values,
    ...(keepRunning ? [stays] : []),
    ...files.map(({ name, source, size }): MediumEntry => ({
      kind: 'file',
      path: name,
      content: { source, size },
      ...(isScript(name) ? { mode: 0o755 } : {}),
    })),
  ];
}
