import { z } from 'zod';
import { keepKinds } from '../../model/keep.js';
import type { CheckpointManifest } from '../../model/checkpoint.js';
import { checkpointFiles } from '../../system/paths.js';
import { messageOf } from '../../system/errors.js';
import { refused } from './facts.js';

const bytes = z
  .number()
  .int()
  .nonnegative()
  .max(2 ** 52);
const seconds = z.number().nonnegative();
const moment = z.number().nullable();
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const date = z.iso.datetime();
const content = z.string().refine(checkpointFiles.isContent, 'no name of a file of a checkpoint');
const image = z.object({ file: z.string().startsWith('/'), size: bytes, sha256 });
const value = z.union([z.string(), z.number(), z.boolean()]);
const scripts = z.array(
  z.object({ name: z.string(), status: z.number().nullable(), seconds: z.number().nullable() }),
);

/** As a parameter is written down nothing of it is used; the appliance's other words are passed on. */
const appliance = z.looseObject({
  ...{ name: z.string(), version: z.string(), base: z.string() },
  hardware: z.object({ cpus: z.number().int().positive(), memory: bytes.positive() }),
  output: z.object({ size: bytes }),
});

const instance = z.object({
  ...{ id: z.string().min(1).max(200), appliance, digest: sha256, outputOn: z.enum(['disk', 'app']) },
  parameters: z.record(z.string(), value),
  files: z.array(z.object({ name: z.string(), size: bytes, sha256 })),
  ...{ identity: sha256, out: z.string().startsWith('/'), force: z.boolean(), keep: z.enum(keepKinds) },
  limits: z.object({ boot: seconds, total: seconds.exactOptional(), powerOff: seconds }),
  every: seconds.exactOptional(),
});

const progress = z.object({
  ...{ startedAt: date, elapsed: seconds },
  times: z.object({
    ...{ staged: moment, booted: moment, ready: moment, scriptsStarted: moment },
    ...{ scriptsEnded: moment, poweredOff: moment, collected: moment },
  }),
  ...{ scripts, scriptStartedAt: seconds, free: z.number().exactOptional() },
  ...{ start: z.enum(['warm', 'cold']), startReason: z.string().exactOptional() },
  ...{ resumed: z.number().int().nonnegative(), unfinished: z.string().max(8192) },
});

const disk = z.object({
  ...{ id: z.enum(['root', 'app', 'data', 'output', 'cdrom', 'floppy']), size: bytes },
  ...{ access: z.enum(['overlay', 'read-write', 'read-only']), files: z.array(content).min(1) },
});

const schema = z.object({
  ...{ format: z.literal('gva-checkpoint/1'), gva: z.string(), number: z.number().int().positive() },
  ...{ takenAt: date, instance },
  base: z.object({ name: z.string(), digest: sha256, folder: z.string().startsWith('/') }),
  images: z.object({ app: image, data: image.exactOptional() }),
  machine: z.object({
    ...{ cpus: z.number().int().positive(), memory: bytes.positive(), disks: z.array(disk).min(1).max(24) },
  }),
  vmm: z.object({ name: z.string(), version: z.string(), accelerator: z.string() }),
  facts: z.record(z.string(), z.string()),
  ...{ state: content, progress, console: content, events: content },
  files: z.record(content, z.object({ size: bytes, sha256 })),
});

/** @throws GvaError CHECKPOINT_REFUSED where it is none that this version can read, or names files that it does not describe */
export function parseCheckpoint(text: string): CheckpointManifest {
  let manifest: CheckpointManifest;
  try {
    manifest = schema.parse(JSON.parse(text)) as unknown as CheckpointManifest;
  } catch (error) {
    const why = error instanceof z.ZodError ? z.prettifyError(error).split('\n')[0] : messageOf(error);
    throw refused(`its ${checkpointFiles.manifest} cannot be read: ${why ?? ''}`);
  }
  const { state, console, events, machine, files } = manifest;
  for (const name of [state, console, events, ...machine.disks.flatMap((each) => each.files)])
    if (!Object.hasOwn(files, name))
      throw refused(`its ${checkpointFiles.manifest} does not describe ${name}`);
  return manifest;
}
