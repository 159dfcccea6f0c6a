import { z } from 'zod';

// OCI image specification 1.1: descriptor.md, image-index.md, manifest.md, config.md. What is not used is not looked at.

const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'must be sha256:... (64 digits)');

const descriptor = z.object({
  mediaType: z.string().max(256),
  digest,
  size: z.int().min(0),
  annotations: z.record(z.string(), z.string()).optional(),
  platform: z.object({ architecture: z.string(), os: z.string() }).optional(),
});
export type Descriptor = z.output<typeof descriptor>;

export const indexSchema = z.object({
  schemaVersion: z.literal(2),
  manifests: z.array(descriptor).max(1000),
});

export const manifestSchema = z.object({
  schemaVersion: z.literal(2),
  config: descriptor,
  layers: z.array(descriptor).max(1000),
});

/** A program, a variable or a name: no text in which a NUL ends it early. */
const word = z.string().refine((text) => !text.includes('\0'), 'must not have a NUL in it');
const words = z.array(word).max(10_000).nullish();

export const configSchema = z.object({
  architecture: z.string(),
  os: z.string(),
  config: z
    .object({
      User: word.nullish(),
      Env: words,
      Entrypoint: words,
      Cmd: words,
      WorkingDir: word.nullish(),
    })
    .nullish(),
  rootfs: z.object({ type: z.literal('layers'), diff_ids: z.array(digest).max(1000) }),
});
export type ImageConfig = z.output<typeof configSchema>;
