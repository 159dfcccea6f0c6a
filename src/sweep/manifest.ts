import { z } from 'zod';
import type { SweepManifest } from '../model/sweep.js';

const named = { name: z.string(), digest: z.string() };

/** What this version reads of sweep.json; entries of later versions are let pass. */
const schema = z.looseObject({
  format: z.literal('gva-sweep/1'),
  gva: z.string(),
  appliance: z.looseObject({ ...named, version: z.string() }),
  base: z.looseObject(named),
  vmm: z.looseObject({ name: z.string(), version: z.string(), accelerator: z.string() }),
  plan: z.looseObject({ file: z.string(), text: z.string() }),
  files: z.array(z.looseObject({ name: z.string(), size: z.number(), sha256: z.string() })),
  parameters: z.array(z.string()),
  count: z.number(),
  gather: z.union([z.object({ command: z.string() }), z.object({ appliance: z.string() })]).exactOptional(),
  options: z.record(z.string(), z.unknown()).exactOptional(),
  startedAt: z.string(),
  continuedAt: z.string().exactOptional(),
});

/** Undefined where the text is no sweep.json that this version can read. */
export function parseSweepManifest(text: string): SweepManifest | undefined {
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
