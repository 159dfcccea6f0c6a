import { join } from 'node:path';
import { z } from 'zod';
import { parameterMedia } from '../../model/appliance.js';
import { keepKinds } from '../../model/keep.js';
import { poolChoices, startChoices } from '../../model/start.js';
import { GvaError } from '../../system/errors.js';
import { sweepFiles } from '../../system/paths.js';
import { readCapped } from './capped.js';

const words = z.object({
  name: z.string().exactOptional(),
  jobs: z.string().exactOptional(),
  appliance: z.string().exactOptional(),
  vmm: z.string(),
  start: z.enum(startChoices).default('auto'),
  paramsOn: z.enum(parameterMedia).exactOptional(),
  pool: z.enum(poolChoices).default('auto'),
  qemu: z.string().exactOptional(),
  deploymentOption: z.string().exactOptional(),
  timeout: z.string().exactOptional(),
  bootTimeout: z.string(),
  keep: z.enum(keepKinds).exactOptional(),
  keepDisks: z.boolean().exactOptional(),
  requireSignature: z.boolean().exactOptional(),
  checkpointEvery: z.string().exactOptional(),
  collectEvery: z.string().exactOptional(),
  cache: z.boolean().default(true),
  attempts: z.string().exactOptional(),
  retryFailed: z.string().exactOptional(),
  retryTimeouts: z.boolean().exactOptional(),
  maxFailures: z.string().exactOptional(),
  stopWhen: z.string().exactOptional(),
  grid: z.string().exactOptional(),
  partition: z.string().exactOptional(),
  account: z.string().exactOptional(),
  qos: z.string().exactOptional(),
  constraint: z.string().exactOptional(),
  time: z.string().exactOptional(),
  arrayLimit: z.string().exactOptional(),
  mostJobs: z.string().exactOptional(),
  bundle: z.string().exactOptional(),
  sbatch: z.array(z.string()).exactOptional(),
  memoryGrowth: z.string().exactOptional(),
  timeGrowth: z.string().exactOptional(),
  summaryJob: z.boolean().exactOptional(),
});
export type SavedOptions = z.infer<typeof words>;

/**
 * Entry `options` of sweep.json: how the sweep was run the last time, as the words of the command. Paths are absolute.
 * `keep: true` is of an earlier version, in which --keep was what --keep-disks is now.
 */
const schema = z.preprocess((options) => {
  if (typeof options !== 'object' || options === null || !('keep' in options)) return options;
  const { keep, ...others } = options;
  return typeof keep === 'boolean' ? { ...others, keepDisks: keep } : options;
}, words);

const manifest = z.looseObject({
  format: z.literal('gva-sweep/1'),
  plan: z.looseObject({ file: z.string(), text: z.string() }),
  base: z.object({ name: z.string(), digest: z.string() }).exactOptional(),
  options: schema.exactOptional(),
});

/** What is needed to run a sweep again as it was run. */
export interface SavedRun {
  readonly plan: { readonly file: string; readonly text: string };
  /** Undefined of a sweep of an earlier version. */
  readonly options: SavedOptions | undefined;
  /** The base image that it had; undefined where that is not known. */
  readonly base: { readonly name: string; readonly digest: string } | undefined;
}

/** Bytes: the text of a plan is in it. */
const longestManifest = 512 << 20;

/**
 * Undefined where the folder has no sweep.json.
 *
 * @throws GvaError SWEEP_UNREADABLE
 */
export async function readSavedRun(folder: string): Promise<SavedRun | undefined> {
  const file = join(folder, sweepFiles.sweep);
  try {
    const text = await readCapped(file, longestManifest);
    if (text === undefined) return undefined;
    const { plan, options, base } = manifest.parse(JSON.parse(text));
    return { plan, options, base };
  } catch (error) {
    throw new GvaError('SWEEP_UNREADABLE', `${file} is not of a sweep, or of a later version of GVA`, {
      hint: 'Nothing was changed.',
      cause: error,
    });
  }
}
