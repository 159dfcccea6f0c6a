import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface EmptyAppliance {
  readonly appliance: string;
  /** A plan of so many points of it. */
  readonly plan: string;
}

/**
 * Writes an appliance that does nothing, with a parameter.
 *
 * @param base name of its base image
 */
export async function writeEmptyAppliance(
  folder: string,
  points: number,
  base = 'micro',
): Promise<EmptyAppliance> {
  const name = base === 'micro' ? 'empty' : `empty-${base}`;
  const appliance = join(folder, name);
  await mkdir(join(appliance, 'app'), { recursive: true });
  const manifest = `name: ${name}\nbase: ${base}\nrun: "true"\nparameters:\n  n: { type: int, default: 1 }\n`;
  await writeFile(join(appliance, 'gva.yaml'), manifest);
  const plan = join(folder, `${name}.yaml`);
  await writeFile(plan, `appliance: ./${name}\nparameters:\n  n: { range: [1, ${points}] }\n`);
  return { appliance, plan };
}
