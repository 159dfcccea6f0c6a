import { z } from 'zod';
import { parseSize } from '../system/units.js';

const size = (what: string, minimum: number) =>
  z
    .union([z.string(), z.number()], { error: `must be a size such as ${what}` })
    .transform((value, context) => {
      const bytes = parseSize(String(value));
      if (bytes !== undefined && bytes >= minimum) return bytes;
      const message =
        bytes === undefined ? `must be a size such as ${what}` : `must be at least ${minimum / 2 ** 20}M`;
      context.issues.push({ code: 'custom', message, input: value });
      return z.NEVER;
    });

const commandLine = z
  .string({ error: 'must be a shell command line (in quotes, if YAML takes it for something else)' })
  .refine((text) => text.trim() !== '', 'must not be empty')
  .refine((text) => !text.includes('\0'), 'must not contain a NUL character');

const value = z.union([z.number(), z.string(), z.boolean()], {
  error: 'must be a number, a string, true or false',
});

const parameter = z.strictObject({
  type: z.enum(['int', 'float', 'string', 'bool'], { error: 'must be int, float, string or bool' }),
  default: value.optional(),
  label: z.string().optional(),
  min: z.number().optional(),
  max: z.number().optional(),
  values: z.array(value).min(1).optional(),
});

export const manifestSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'must be up to 64 letters, digits, ".", "_" and "-"'),
  // A YAML version such as 1.0 is a number.
  version: z.union([z.string(), z.number().transform(String)]).default('0.0.0'),
  base: z.string().default('micro'),
  hardware: z
    .strictObject({
      cpus: z.int().min(1).max(255).default(1),
      memory: size('256M', 96 * 2 ** 20).default(256 * 2 ** 20),
    })
    .prefault({}),
  run: commandLine,
  before: commandLine.optional(),
  after: commandLine.optional(),
  parameters: z.record(z.string(), parameter).default({}),
  output: z.strictObject({ size: size('64M', 2 ** 20).default(64 * 2 ** 20) }).prefault({}),
});

/** A shell variable's name, and what OVF allows as key of a property (DSP0243 1.1.0, 9.5). */
export const parameterName = /^(?!__)[A-Za-z_][A-Za-z0-9_]{0,63}$/;
