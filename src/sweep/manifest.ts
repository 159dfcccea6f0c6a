import { z } from 'zod';
import type { SweepManifest } from '../model/sweep.js';
import { packageVersion } from '../system/package.js';
import type { GatherSpec } from './gathering.js';
import type { SweepSpec } from './run-sweep.js';

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

/** What becomes `sweep.json`. @param before of the run that this one continues */
export function describeSweep(
  spec: SweepSpec,
  count: number,
  vmm: SweepManifest['vmm'],
  before: SweepManifest | undefined,
): SweepManifest {
  const { plan, prepared } = spec;
  const { appliance, digest, base } = prepared;
  const now = new Date().toISOString();
  return {
    format: 'gva-sweep/1',
    gva: packageVersion(),
    appliance: { name: appliance.name, version: appliance.version, digest },
    base: { name: base.name, digest: base.digest },
    vmm,
    plan: { file: plan.file, text: plan.text },
    files: plan.files.common.map(({ name, size, sha256 }) => ({ name, size, sha256 })),
    parameters: plan.points.names,
    count,
    ...describeGather(spec.gather),
    ...(spec.options ? { options: spec.options } : {}),
    ...(before ? { startedAt: before.startedAt, continuedAt: now } : { startedAt: now }),
  };
}

function describeGather(gather: GatherSpec | undefined): Pick<SweepManifest, 'gather'> {
  if (!gather) return {};
  const { step } = gather;
  return {
    gather: step.kind === 'command' ? { command: step.command } : { appliance: step.place },
  };
}
