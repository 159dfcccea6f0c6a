import { writeFile } from 'node:fs/promises';
import { environmentFile, parameterFiles } from '../appliance/parameter-files.js';
import { isoBytes, writeIso } from '../disk/iso9660/index.js';
import type { MediumEntry } from '../disk/medium-entry.js';
import type { ParameterValues } from '../model/parameter.js';
import type { InputFile } from './identity.js';
import type { PreparedAppliance } from './prepare.js';

/** What is on the parameter CD of an instance. */
export interface DiscContent {
  readonly id: string;
  readonly parameters: ParameterValues;
  readonly files: readonly InputFile[];
}

/**
 * Writes the parameter CD of an instance. A plain machine, which knows nothing of GVA, gets the OVF environment only.
 */
export async function writeParameterDisc(
  input: DiscContent,
  kind: PreparedAppliance['machine']['kind'],
  image: string,
): Promise<{ image: string; size: number }> {
  const files: MediumEntry[] = input.files.map(({ name, source, size }) => ({
    kind: 'file',
    path: name,
    content: { source, size },
  }));
  const { parameters, id } = input;
  // Names of others' properties may be none of a file or of a shell variable.
  const values = kind === 'plain' ? [environmentFile(parameters, id)] : parameterFiles(parameters, id);
  const entries = [...values, ...files];
  if (files.length > 0) return { image, ...(await writeIso(image, entries, { volumeId: 'OVF ENV' })) };
  const bytes = isoBytes(entries, { volumeId: 'OVF ENV' });
  await writeFile(image, bytes);
  return { image, size: bytes.length };
}
