import type { MachineShape, WarmedAppliance } from './shape.js';
import { digestText } from '../../system/files.js';
import { templatesFolder } from '../../system/paths.js';
import { rememberedOf } from '../../system/remembered-digest.js';
import { digestSparse } from '../../system/sparse-digest.js';
import { wakeProtocol } from './wake.js';

/** Everything that a template depends on; kept with it, for people. */
export interface TemplateParts {
  readonly protocol: number;
  readonly base: { readonly name: string; readonly digest: string; readonly folder: string };
  readonly cpus: number;
  /** Bytes. */
  readonly memory: number;
  readonly disks: MachineShape['disks'];
  /** Absent where it is for all appliances. */
  readonly appliance?: ApplianceParts;
  /** Of host and VMM (`Templates.facts` of a driver). */
  readonly facts: Readonly<Record<string, string>>;
}

/** The overlays of the template name the images, and are worth nothing above others. */
interface ApplianceParts {
  readonly digest: string;
  readonly images: readonly { readonly file: string; readonly digest: string }[];
}

export async function templateParts(
  { base, cpus, memory, disks, warmed }: MachineShape,
  facts: Readonly<Record<string, string>>,
): Promise<TemplateParts> {
  const { name, digest, folder } = base;
  const appliance = warmed ? { appliance: await applianceParts(warmed) } : {};
  return { protocol: wakeProtocol, base: { name, digest, folder }, cpus, memory, disks, ...appliance, facts };
}

async function applianceParts({ digest, app, data }: WarmedAppliance): Promise<ApplianceParts> {
  const images = [app, ...(data ? [data] : [])].map(async ({ file }) => ({
    file,
    digest: await rememberedOf(file, 'sparse', templatesFolder(), () => digestSparse(file)),
  }));
  return { digest, images: await Promise.all(images) };
}

/** The name of a template: whatever differs in a part differs in it. */
export function templateKey({ facts, ...parts }: TemplateParts): string {
  const sorted = Object.entries(facts).sort(([a], [b]) => (a < b ? -1 : 1));
  return digestText(JSON.stringify([parts, sorted]));
}
