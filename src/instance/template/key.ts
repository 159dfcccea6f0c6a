import type { MachineShape } from './shape.js';
import { digestText } from '../../system/files.js';
import { wakeProtocol } from './wake.js';

/** Everything that a template depends on; kept with it, for people. */
export interface TemplateParts {
  readonly protocol: number;
  readonly base: { readonly name: string; readonly digest: string; readonly folder: string };
  readonly cpus: number;
  /** Bytes. */
  readonly memory: number;
  readonly disks: MachineShape['disks'];
  /** Of host and VMM (`Templates.facts` of a driver). */
  readonly facts: Readonly<Record<string, string>>;
}

export function templateParts(
  { base, cpus, memory, disks }: MachineShape,
  facts: Readonly<Record<string, string>>,
): TemplateParts {
  const { name, digest, folder } = base;
  return { protocol: wakeProtocol, base: { name, digest, folder }, cpus, memory, disks, facts };
}

/** The name of a template: whatever differs in a part differs in it. */
export function templateKey({ facts, ...parts }: TemplateParts): string {
  const sorted = Object.entries(facts).sort(([a], [b]) => (a < b ? -1 : 1));
  return digestText(JSON.stringify([parts, sorted]));
}
