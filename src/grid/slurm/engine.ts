import {
  SubmissionUncertain,
  type ElementState,
  type GridEngine,
  type GridLimits,
  type JobArray,
  type SubmittedArray,
} from '../engine.js';
import { SlurmAccounting } from './accounting.js';
import { describeSubmission, submission } from './command.js';
import { formatElements } from './element-list.js';
import { parseLimits } from './limits.js';
import { type ProgramEnd, type RunProgram, type SlurmProgram, runSlurm, silent } from './program.js';
import { nameFormat, parseNames, parseQueue, queueEnvironment, queueFormat } from './queue.js';
import { submissionError } from './refusal.js';

/** Seconds. Slurm's own commands give up after 10 to 20 s, as a rule (MessageTimeout). */
const patience = 60;
/** Where Slurm keeps as many jobs as it may, sbatch itself waits for 120 s. */
const submissionPatience = 180;

/** Of an argument of scancel: Linux allows 128 KiB for one (MAX_ARG_STRLEN), and 2 MiB for all. */
const longestArgument = 60_000;

/** What scancel says of what has ended, or was never there. */
const nothingToCancel = /Invalid job id|already completing or completed|Job\/step already/i;

/** Slurm, by its commands: from 20.11 on, where squeue has learnt `--me`. */
export class SlurmEngine implements GridEngine {
  readonly name = 'slurm';
  readonly #run: RunProgram;
  readonly #accounting: SlurmAccounting;
  #config: ReturnType<typeof parseLimits> | undefined;

  constructor(run: RunProgram = runSlurm) {
    this.#run = run;
    this.#accounting = new SlurmAccounting(run, patience);
  }

  async limits(signal: AbortSignal): Promise<GridLimits> {
    const { elements, jobs, accounting } = await this.#limits(signal);
    const own = accounting ? await this.#accounting.submitLimit(signal) : undefined;
    const known = [jobs, own].filter((number) => number !== undefined);
    return { elements, jobs: known.length === 0 ? undefined : Math.min(...known) };
  }

  describe(array: JobArray): string {
    return describeSubmission(array);
  }

  async submit(array: JobArray, signal: AbortSignal): Promise<string> {
    const { command, script } = submission(array);
    signal.throwIfAborted();
    const end = await this.#run('sbatch', command.slice(1), {
      seconds: submissionPatience,
      input: script,
      signal,
    }).catch((error: unknown) => {
      if (signal.aborted) throw new SubmissionUncertain('sbatch was ended before it said anything', error);
      throw error;
    });
    const job = /^(?:Submitted batch job )?(\d+(;\S+)?)\s*$/m.exec(end.stdout)?.[1];
    if (job === undefined || end.status !== 0) throw submissionError(end, process.env);
    return job;
  }

  async find(name: string, signal: AbortSignal): Promise<readonly string[]> {
    const queue = await this.#ask('squeue', ['--me', '-t', 'all', '-n', name, '-O', nameFormat], signal);
    const jobs = parseNames(queue, name);
    const remembered =
      jobs.length === 0 && (await this.#hasAccounting(signal))
        ? await this.#accounting.find(name, signal)
        : [];
    return [...new Set([...jobs, ...remembered])].sort(
      (a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10),
    );
  }

  async poll(arrays: readonly SubmittedArray[], signal: AbortSignal): Promise<readonly ElementState[]> {
    if (arrays.length === 0) return [];
    const args = ['--me', '-t', 'all', ...clusterOption(arrays), '-O', queueFormat];
    return parseQueue(await this.#ask('squeue', args, signal), arrays);
  }

  async recall(arrays: readonly SubmittedArray[], signal: AbortSignal): Promise<readonly ElementState[]> {
    if (arrays.length === 0 || !(await this.#hasAccounting(signal))) return [];
    return this.#accounting.states(arrays, clusterOption(arrays), signal);
  }

  async cancel(
    array: SubmittedArray,
    elements: readonly number[] | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const [number = ''] = array.job.split(';', 1);
    const clusters = clusterOption([array]);
    const sets = elements === undefined ? [number] : setsOf(number, elements);
    // scancel would end whatever has the number by now.
    if (sets.length === 0 || !(await this.#has(array, signal))) return;
    for (const set of sets) {
      const end = await this.#run('scancel', [...clusters, set], { seconds: patience, signal });
      if (end.status !== 0 && !isNothingToCancel(end)) throw silent('scancel', end);
    }
  }

  async #has({ job, name }: SubmittedArray, signal: AbortSignal): Promise<boolean> {
    const clusters = clusterOption([{ job }]);
    const args = ['--me', '-t', 'all', ...clusters, '-n', name, '-O', nameFormat];
    const named = parseNames(await this.#ask('squeue', args, signal), name);
    const [number] = job.split(';', 1);
    return named.some((one) => one.split(';', 1)[0] === number);
  }

  async #ask(name: SlurmProgram, args: readonly string[], signal: AbortSignal): Promise<string> {
    const end = await this.#run(name, args, { seconds: patience, env: queueEnvironment, signal });
    if (end.status !== 0) throw silent(name, end);
    return end.stdout;
  }

  async #limits(signal: AbortSignal): Promise<ReturnType<typeof parseLimits>> {
    this.#config ??= parseLimits(await this.#ask('scontrol', ['show', 'config'], signal));
    return this.#config;
  }

  async #hasAccounting(signal: AbortSignal): Promise<boolean> {
    return (await this.#limits(signal)).accounting;
  }
}

/** All messages are about what has ended, or was never there; others come with them. */
function isNothingToCancel({ said, status }: ProgramEnd): boolean {
  return (
    status !== undefined && said !== '' && said.split('; ').every((words) => nothingToCancel.test(words))
  );
}

/** `17_[0-3,7]`, as often as their length needs. */
function setsOf(array: string, elements: readonly number[]): string[] {
  const sets: string[] = [];
  let parts: string[] = [];
  let length = 0;
  for (const part of formatElements(elements).split(',').filter(Boolean)) {
    if (length + part.length > longestArgument) {
      sets.push(parts.join(','));
      [parts, length] = [[], 0];
    }
    parts.push(part);
    length += part.length + 1;
  }
  if (parts.length > 0) sets.push(parts.join(','));
  return sets.map((set) => `${array}_[${set}]`);
}

/** Of jobs that sbatch gave to a cluster that it was told to choose. */
function clusterOption(arrays: readonly Pick<SubmittedArray, 'job'>[]): string[] {
  const clusters = new Set(arrays.flatMap(({ job }) => job.split(';').slice(1)));
  return clusters.size === 0 ? [] : [`--clusters=${[...clusters].join(',')}`];
}
