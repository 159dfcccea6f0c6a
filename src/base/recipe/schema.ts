import { z } from 'zod';
import { parseDuration, parseSize } from '../../system/units.js';
import { debianProfiles } from '../debian/options.js';

// eslint-disable-next-line no-control-regex -- what neither a shell nor a terminal takes well
const controlCharacters = /[\0-\x08\x0b-\x1f\x7f]/;

const text = (limit: number) =>
  z
    .string({ error: 'must be text (in quotes, if YAML takes it for something else)' })
    .max(limit, `must be at most ${limit} characters`)
    .refine((value) => value.trim() !== '', 'must not be empty')
    .refine((value) => !controlCharacters.test(value), 'must not contain control characters');

const line = (limit: number) => text(limit).refine((value) => !value.includes('\n'), 'must be one line');

const size = (minimum: number) =>
  z.union([z.string(), z.number()], { error: 'must be a size such as 512M' }).transform((value, context) => {
    const bytes = parseSize(String(value));
    if (bytes !== undefined && bytes >= minimum) return bytes;
    const message = `must be a size such as 512M, at least ${minimum / 2 ** 20}M`;
    context.issues.push({ code: 'custom', message, input: value });
    return z.NEVER;
  });

const duration = z
  .union([z.string(), z.number()], { error: 'must be a duration such as 90s or 15m' })
  .transform((value, context) => {
    const seconds = parseDuration(String(value));
    if (seconds !== undefined && seconds > 0) return seconds;
    context.issues.push({ code: 'custom', message: 'must be a duration such as 90s or 15m', input: value });
    return z.NEVER;
  });

/** Debian Policy 4.7, 5.6.7. */
const packageName = z
  .string({ error: 'must be the name of a package' })
  .regex(/^[a-z0-9][a-z0-9+.-]+$/, 'must be the name of a Debian package, such as python3-numpy');

const accountName = z
  .string({ error: 'must be the name of a user' })
  .regex(/^[a-z_][a-z0-9_-]{0,31}$/, 'must be up to 32 small letters, digits, "_" and "-"');

const isInside = (path: string) => !path.startsWith('/') && !path.split('/').includes('..');

const copied = line(4096).refine(isInside, 'must be a path below the folder of the recipe, without ".."');
const target = line(4096)
  .refine(
    (path) => path.startsWith('/') && !path.split('/').includes('..'),
    'must be an absolute path, without ".."',
  )
  .refine(
    (path) => !/^\/+(dev|proc|run|sys|tmp)(\/|$)/.test(path),
    'must not be in /dev, /proc, /run, /sys or /tmp: what is there does not stay',
  );

/** Those that GVAD and the kernel's own programs are found by, or that say what a script is given. */
const variableName = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;

const step = z
  .strictObject(
    {
      packages: z.array(packageName, { error: 'must be a list such as [python3]' }).min(1).optional(),
      copy: z
        .strictObject({ from: copied, to: target }, { error: 'must be { from: PATH, to: /PATH }' })
        .optional(),
      run: text(100_000).optional(),
      network: z.boolean({ error: 'must be true or false' }).optional(),
      timeout: duration.optional(),
      user: z
        .union(
          [accountName, z.strictObject({ name: accountName, uid: z.int().min(1).max(60_000).optional() })],
          {
            error: 'must be the name of a user, or { name: NAME, uid: NUMBER }',
          },
        )
        .optional(),
      env: z
        .record(z.string(), z.union([z.string(), z.number(), z.boolean()]).transform(String), {
          error: 'must be a map such as { LANG: C.UTF-8 }',
        })
        .optional(),
    },
    { error: 'must be a step such as { packages: [python3] }' },
  )
  .check((context) => {
    const { packages, copy, run, network, timeout, user, env } = context.value;
    const issue = (message: string) => context.issues.push({ code: 'custom', message, input: context.value });
    const kinds = [packages, copy, run, user, env].filter((each) => each !== undefined);
    if (kinds.length !== 1) issue('must be one of packages, copy, run, user and env, and no more than one');
    if (run === undefined && (network !== undefined || timeout !== undefined))
      issue('network and timeout belong to run');
    for (const [name, value] of Object.entries(env ?? {}))
      if (!variableName.test(name) || name.startsWith('GVA_') || controlCharacters.test(value))
        issue(
          `${JSON.stringify(name)} cannot be set: names are letters, digits and "_", and none begins with GVA_`,
        );
  });

export const recipeSchema = z.strictObject({
  name: z
    .string({ error: 'must be the name of the base' })
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'must be up to 64 letters, digits, ".", "_" and "-"')
    .refine((name) => name !== 'micro', 'must not be micro: that is another base'),
  // A YAML version such as 1.0 is a number.
  version: z.union([line(64), z.number().transform(String)]).optional(),
  description: text(10_000).optional(),
  from: line(4096),
  profile: z.enum(debianProfiles, { error: `must be ${debianProfiles.join(' or ')}` }).optional(),
  memory: size(128 * 2 ** 20).default(2 ** 30),
  free: size(0).default(512 * 2 ** 20),
  steps: z.array(step, { error: 'must be a list of steps' }).default([]),
});

export type RecipeText = z.output<typeof recipeSchema>;
export type StepText = RecipeText['steps'][number];
