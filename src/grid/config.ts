import { z } from 'zod';
import { GvaError, errnoOf, messageOf } from '../system/errors.js';
import { readTextIfExists } from '../system/files.js';
import { configFiles } from '../system/paths.js';
import { YamlFile } from '../system/yaml.js';
import { checkExtraOptions } from './slurm/extra-options.js';
import { parseTimeLimit } from './time-limit.js';

const word = z
  .string({ error: 'must be a word (in quotes, if YAML takes it for something else)' })
  .refine((text) => text !== '' && !/[\s\0]/.test(text), 'must be one word');

const path = z
  .string({ error: 'must be a path' })
  .refine((text) => text.startsWith('/') && !/[\0\n]/.test(text), 'must be an absolute path');

const count = z.int({ error: 'must be a whole number' }).min(1, 'must be 1 or more');

const timeLimit = z
  .union([z.string(), z.number().transform(String)], { error: 'must be a time such as 90m or 1-12:00:00' })
  .transform((text, context) => {
    const seconds = parseTimeLimit(text);
    if (seconds !== undefined) return seconds;
    const message = /^[\d.]+$/.test(text)
      ? `must have a unit: ${text}m, or ${text}h`
      : 'must be a time such as 90m or 1-12:00:00';
    context.issues.push({ code: 'custom', message, input: text });
    return z.NEVER;
  });

const sbatchOption = z
  .string({ error: 'must be an option such as --constraint=avx512' })
  .superRefine((text, context) => {
    try {
      checkExtraOptions([text]);
    } catch (error) {
      context.addIssue({ code: 'custom', message: messageOf(error) });
    }
  });

const gridSchema = z.strictObject({
  engine: z.enum(['slurm', 'local'], { error: 'must be slurm or local' }).optional(),
  partition: word.optional(),
  account: word.optional(),
  qos: word.optional(),
  constraint: word.optional(),
  time: timeLimit.optional(),
  arrayLimit: count.optional(),
  mostJobs: count.optional(),
  bundle: z.union([z.literal('auto'), count], { error: 'must be auto, or a whole number' }).optional(),
  sbatch: z.array(sbatchOption, { error: 'must be a list of options' }).optional(),
  nodeCache: path.optional(),
  node: path.optional(),
  setup: z
    .string({ error: 'must be lines of shell' })
    .refine((text) => !text.includes('\0'), 'must not contain a NUL character')
    .optional(),
});

const configSchema = z.strictObject({
  grid: gridSchema.nullable().optional(),
});

/** What holds for all sweeps of a user, or of a site, unless the command line says otherwise. */
export interface GridConfig {
  readonly engine?: 'slurm' | 'local';
  readonly partition?: string;
  readonly account?: string;
  readonly qos?: string;
  readonly constraint?: string;
  /** Seconds that a job is given. */
  readonly time?: number;
  /** Elements of an array that run at once, at most. */
  readonly arrayLimit?: number;
  /** Jobs that wait or run, at most. */
  readonly mostJobs?: number;
  /** Points for each element. */
  readonly bundle?: 'auto' | number;
  /** Further options of sbatch. */
  readonly sbatch?: readonly string[];
  /** Folder on the nodes where they keep images. */
  readonly nodeCache?: string;
  /** The Node.js that runs GVA on the nodes. */
  readonly node?: string;
  /** Lines of shell that come before GVA on the nodes. */
  readonly setup?: string;
}

/**
 * The grid's part of the configuration: each entry of the user's file, else of the site's.
 *
 * @throws GvaError CONFIG_INVALID with all that is wrong with a file
 */
export async function readGridConfig(files = configFiles()): Promise<GridConfig> {
  return { ...(await readGrid(files.site)), ...(await readGrid(files.user)) };
}

async function readGrid(file: string): Promise<GridConfig> {
  const text = await readTextIfExists(file).catch((error: unknown) => {
    if (errnoOf(error) === undefined) throw error;
    throw new GvaError('CONFIG_INVALID', `${file} cannot be read: ${messageOf(error)}`, { cause: error });
  });
  if (text === undefined) return {};
  const { grid } = new YamlFile(text, file).parse(configSchema, 'CONFIG_INVALID');
  return Object.fromEntries(Object.entries(grid ?? {}).filter(([, value]) => value !== undefined));
}
