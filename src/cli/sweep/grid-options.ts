import { type Command, Option } from 'commander';
import type { GridConfig } from '../../grid/config.js';
import type { GridEngine } from '../../grid/engine.js';
import type { GridSettings } from '../../grid/settings.js';
import { GvaError } from '../../system/errors.js';
import { repeatable } from '../action.js';
import { count } from '../quantities.js';

/** Words of the command, and of `gva sweep resume` after it. */
export interface GridWords {
  grid?: string;
  partition?: string;
  account?: string;
  qos?: string;
  constraint?: string;
  time?: string;
  arrayLimit?: string;
  mostJobs?: string;
  bundle?: string;
  sbatch?: string[];
  memoryGrowth?: string;
  timeGrowth?: string;
  summaryJob?: boolean;
}

export const gridWordNames = [
  ...['grid', 'partition', 'account', 'qos', 'constraint', 'time', 'arrayLimit', 'bundle', 'sbatch'],
  ...['mostJobs', 'memoryGrowth', 'timeGrowth', 'summaryJob'],
] as const;

export function addGridOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--grid <engine>',
        'run the points as jobs of a grid; none: on this host (default: as the configuration says, else none)',
      ).choices(['slurm', 'local', noGrid]),
    )
    .option('--partition <name>', 'of the grid')
    .option('--account <name>', 'that the jobs are charged to')
    .option('--qos <name>', 'quality of service of the jobs')
    .option('--constraint <features>', 'that nodes are to have')
    .option('--time <limit>', 'that each job is given: 90m, 2h, 1-12:00:00')
    .option('--array-limit <number>', 'jobs of an array that run at once')
    .option('--most-jobs <number>', 'jobs that wait or run (default: 5000)')
    .option('--bundle <number>', 'points for each job (default: so many that it runs for minutes)')
    .addOption(
      repeatable('--sbatch <option>', 'further option of sbatch, such as --reservation=x').default([]),
    )
    .option('--memory-growth <factor>', 'more memory for a job after it had too little (default: 1, no more)')
    .option('--time-growth <factor>', 'more time for a job after it had too little (default: 1, no more)')
    .option(
      '--summary-job',
      'when this gva ends before the jobs do, have a last job take in what they have done and write the table',
    )
    .option('--dry-run', 'print what would be submitted first, and submit nothing');
}

/** Of `--grid`: this host, whatever the configuration says. */
const noGrid = 'none';

/**
 * The options with the grid that is meant: what is named, else the configuration's; absent where it is this host.
 *
 * @throws GvaError CONFIG_INVALID
 */
export async function withChosenGrid<O extends GridWords>(options: O): Promise<O> {
  const { grid: named, ...others } = options;
  const { readGridConfig } = await import('../../grid/config.js');
  const grid = named ?? (await readGridConfig()).engine ?? noGrid;
  return { ...others, ...(grid === noGrid ? {} : { grid }) } as O;
}

/** @throws GvaError USAGE where something is said of a grid and none is named */
export function checkGridWords(words: GridWords & { dryRun?: boolean; jobs?: string }): void {
  if (words.grid !== undefined) {
    if (words.jobs === undefined) return;
    throw new GvaError('USAGE', `-j is for instances on this host, and a grid runs them`, {
      hint: `How many jobs of an array run at once: --array-limit ${words.jobs}. On this host: --grid none`,
    });
  }
  const said = [...gridWordNames, 'dryRun' as const].find((name) => {
    const value = words[name];
    return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== false;
  });
  if (said === undefined) return;
  const option = said.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  throw new GvaError('USAGE', `--${option} is for grids, and no grid is named`, {
    hint: 'For example: --grid slurm',
  });
}

type FromWords = Omit<GridSettings, 'engine' | 'work' | 'command' | 'name' | 'leave' | 'summary'>;

/**
 * What the words say, else the configuration.
 *
 * @throws GvaError USAGE, GRID_OPTIONS
 */
export async function gridSettings(words: GridWords, config: GridConfig): Promise<FromWords> {
  const { parseTimeLimit } = await import('../../grid/time-limit.js');
  const { checkExtraOptions } = await import('../../grid/slurm/extra-options.js');
  const extra = [...(config.sbatch ?? []), ...(words.sbatch ?? [])];
  checkExtraOptions(extra);
  const time = words.time === undefined ? config.time : parseTimeLimit(words.time);
  if (words.time !== undefined && time === undefined)
    throw new GvaError('USAGE', `--time ${words.time} is no time`, {
      hint: 'For example: 90m, 2h, 1-12:00:00',
    });
  const options = {
    ...chosen('partition', words, config),
    ...chosen('account', words, config),
    ...chosen('qos', words, config),
    ...chosen('constraint', words, config),
    ...(extra.length > 0 ? { extra } : {}),
    ...(config.setup === undefined ? {} : { setup: config.setup }),
  };
  const mostJobs = words.mostJobs === undefined ? config.mostJobs : count('--most-jobs', words.mostJobs, 1);
  return {
    options,
    time,
    ...(mostJobs === undefined ? {} : { mostJobs }),
    atOnce: words.arrayLimit === undefined ? config.arrayLimit : count('--array-limit', words.arrayLimit, 1),
    bundle: bundleOf(words, config),
    growth: {
      memory: factor('--memory-growth', words.memoryGrowth),
      time: factor('--time-growth', words.timeGrowth),
    },
  };
}

function chosen<Name extends 'partition' | 'account' | 'qos' | 'constraint'>(
  name: Name,
  words: GridWords,
  config: GridConfig,
): Partial<Record<Name, string>> {
  const value = words[name] ?? config[name];
  return value === undefined ? {} : ({ [name]: value } as Record<Name, string>);
}

function bundleOf({ bundle }: GridWords, config: GridConfig): number | undefined {
  if (bundle !== undefined) return bundle === 'auto' ? undefined : count('--bundle', bundle, 1);
  return config.bundle === 'auto' ? undefined : config.bundle;
}

function factor(option: string, text: string | undefined): number {
  if (text === undefined) return 1;
  const number = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && number >= 1 && number <= 16) return number;
  throw new GvaError('USAGE', `${option} ${text} is no factor`, { hint: 'From 1 to 16, such as 1.5' });
}

export async function engineOf(name: string): Promise<GridEngine> {
  if (name === 'local') {
    const { LocalEngine } = await import('../../grid/local/engine.js');
    return new LocalEngine();
  }
  const { SlurmEngine } = await import('../../grid/slurm/engine.js');
  return new SlurmEngine();
}
