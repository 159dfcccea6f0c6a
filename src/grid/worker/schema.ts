import { z } from 'zod';
import { keepKinds } from '../../model/keep.js';
import { startChoices } from '../../model/start.js';
import { architectures, operatingSystems } from '../../model/base.js';
import { controllers, machineTypes } from '../../model/hardware.js';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'is no SHA-256');
const size = z.int().nonnegative();
const seconds = z.number().positive();
const image = z.looseObject({ size, sha256 });
const value = z.union([z.string(), z.number(), z.boolean()]);
const absolute = z.string().startsWith('/');

/** `GridElement`. */
export const elementSchema = z.looseObject({
  format: z.literal('gva-grid-element/1'),
  work: z.string().regex(/^work-[0-9a-f]{8}\.json$/, 'is no name of a file with the work'),
  seconds: seconds.exactOptional(),
  points: z
    .array(
      z.looseObject({
        index: size,
        attempt: z.int().positive(),
        identity: sha256,
        parameters: z.record(z.string(), value),
        files: z.array(z.looseObject({ name: z.string(), source: absolute, size, sha256 })),
      }),
    )
    .min(1)
    .refine((points) => new Set(points.map(({ index }) => index)).size === points.length, 'name one twice'),
});

const hardware = z.looseObject({
  machine: z.enum(machineTypes).exactOptional(),
  controller: z.enum(controllers).exactOptional(),
  cdDrive: z.enum(['scsi-cd', 'ide-cd']).exactOptional(),
});

const baseFile = z.looseObject({ name: z.string(), size, sha256 });
const base = z.looseObject({
  format: z.literal(1),
  contract: z.literal(1),
  ...{ name: z.string(), description: z.string(), os: z.enum(operatingSystems) },
  arch: z.enum(architectures),
  kernelRelease: z.string(),
  umlRelease: z.string().exactOptional(),
  packages: z.record(z.string(), z.string()),
  inputs: z.string(),
  files: z.union([
    z.object({ root: baseFile, kernel: baseFile, initrd: baseFile }),
    z.object({
      disk: baseFile.extend({ firmware: z.enum(['bios', 'uefi']), hardware }),
    }),
  ]),
  digest: z.string(),
});

const contractMachine = z.looseObject({
  kind: z.literal('contract'),
  ...{ base, app: image, data: image.exactOptional(), outputOn: z.enum(['disk', 'app']) },
});

const plainMachine = z.looseObject({
  kind: z.literal('plain'),
  disks: z.array(z.looseObject({ image, role: z.literal('output').exactOptional() })).min(1),
  firmware: z.enum(['bios', 'uefi']),
  hardware,
  probeKernel: image.exactOptional(),
});

const appliance = z.looseObject({
  ...{ name: z.string().regex(/^[\w.-]+$/), version: z.string(), base: z.string() },
  hardware: z.looseObject({ cpus: z.int().positive(), memory: z.int().positive() }),
  parameters: z.array(z.looseObject({ name: z.string(), type: z.enum(['int', 'float', 'string', 'bool']) })),
  output: z.looseObject({ size }),
});

/** `GridWork`. */
export const workSchema = z.looseObject({
  format: z.literal('gva-grid-work/1'),
  gva: z.string(),
  appliance,
  digest: z.string(),
  base: z.looseObject({ name: z.string(), digest: z.string() }),
  machine: z.discriminatedUnion('kind', [contractMachine, plainMachine]),
  vmm: z.string(),
  start: z.enum(startChoices).default('cold'),
  qemu: absolute.exactOptional(),
  limits: z.looseObject({ boot: seconds, total: seconds.exactOptional(), powerOff: seconds }),
  keep: z.enum(keepKinds),
  keepDisks: z.boolean(),
  checkpointEvery: seconds.exactOptional(),
  nodeCache: size,
});

/** A `GridWork` as it was read: what names devices and the like is known to be one of those that there are. */
export type CheckedWork = z.output<typeof workSchema>;
export type CheckedElement = z.output<typeof elementSchema>;
export type CheckedPoint = CheckedElement['points'][number];
