import { z } from 'zod';
import { parameterMedia, warmUps } from '../model/appliance.js';
import { parseDuration, parseSize } from '../system/units.js';
import { baseWish } from './base-wish-schema.js';

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

/** GVAD's heartbeats come every ten seconds: with less, one that is late would end an instance. */
const leastHeartbeats = 25;

const heartbeatLimit = z
  .union([z.string(), z.number()], { error: 'must be a duration such as 60s' })
  .transform((value, context) => {
    const seconds = parseDuration(String(value));
    if (seconds !== undefined && seconds >= leastHeartbeats) return seconds;
    const message =
      seconds === undefined ? 'must be a duration such as 60s' : `must be at least ${leastHeartbeats}s`;
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

const cpus = z.int().min(1).max(255);
const memory = size('256M', 96 * 2 ** 20);

/** What no XML document can hold, and DEL, which no text needs; line ends are LF. */
// eslint-disable-next-line no-control-regex -- these are the characters in question
export const controlCharacters = /[\0-\x08\x0b-\x1f\x7f]/;

const prose = (limit: number) =>
  z
    .string({ error: 'must be text (in quotes, if YAML takes it for something else)' })
    .max(limit, `must be at most ${limit} characters`)
    .refine((text) => text.trim() !== '', 'must not be empty')
    .refine((text) => !controlCharacters.test(text), 'must not contain control characters');

const line = (limit: number) => prose(limit).refine((text) => !text.includes('\n'), 'must be one line');

const url = line(2000).refine(
  (text) => /^https?:\/\//i.test(text) && URL.canParse(text),
  'must be an address that begins with https:// or http://',
);

// The application disk takes it along, so that the folder can be made again from a package.
const eulaFile = line(255).refine(
  (path) => /^app(\/[^/\\]+)+$/.test(path) && !path.split('/').some((name) => name === '.' || name === '..'),
  'must be a file under app/, such as app/LICENSE.txt',
);

const deploymentOption = z
  .strictObject({
    label: line(80),
    description: prose(2000).optional(),
    cpus: cpus.optional(),
    memory: memory.optional(),
  })
  .refine(
    (option) => option.cpus !== undefined || option.memory !== undefined,
    'must say cpus or memory, or it would not differ from hardware',
  );

export const manifestSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'must be up to 64 letters, digits, ".", "_" and "-"'),
  // A YAML version such as 1.0 is a number.
  version: z.union([z.string(), z.number().transform(String)]).default('0.0.0'),
  base: baseWish.default('micro'),
  hardware: z
    .strictObject({
      cpus: cpus.default(1),
      memory: memory.default(256 * 2 ** 20),
    })
    .prefault({}),
  run: commandLine.optional(),
  before: commandLine.optional(),
  after: commandLine.optional(),
  warm: z.enum(warmUps, { error: `must be ${warmUps.join(' or ')}` }).optional(),
  'params-on': z.enum(parameterMedia, { error: `must be one of ${parameterMedia.join(', ')}` }).optional(),
  'heartbeat-limit': heartbeatLimit.optional(),
  parameters: z.record(z.string(), parameter).default({}),
  output: z.strictObject({ size: size('64M', 2 ** 20).default(64 * 2 ** 20) }).prefault({}),
  description: prose(10_000).optional(),
  vendor: line(200).optional(),
  url: url.optional(),
  eula: z
    .strictObject({ file: eulaFile }, { error: 'must be a map such as { file: app/LICENSE.txt }' })
    .optional(),
  'deployment-options': z.record(z.string(), deploymentOption).optional(),
});

/** A shell variable's name, and what OVF allows as key of a property (DSP0243 1.1.0, 9.5). */
export const parameterName = /^(?!__)[A-Za-z_][A-Za-z0-9_]{0,63}$/;

/** Of a deployment option; in OVF, a list of them is separated by blanks. */
export const optionId = /^[A-Za-z][A-Za-z0-9_-]{0,31}$/;
