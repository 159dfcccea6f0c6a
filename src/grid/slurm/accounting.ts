import { userInfo } from 'node:os';
import type { ElementState } from '../engine.js';
import { parseElements } from './element-list.js';
import { parseSubmitLimits } from './limits.js';
import type { RunProgram, SlurmProgram } from './program.js';
import { judgeState } from './states.js';

/** Further back, nothing is looked up: a sweep that has not asked for so long is begun anew. */
const farthest = 'now-60days';

/**
 * What only slurmdbd knows. Sites have it or not, and it may be down: whatever fails is as if there were nothing to know.
 */
export class SlurmAccounting {
  readonly #run: RunProgram;
  readonly #seconds: number;

  /** @param seconds for each query */
  constructor(run: RunProgram, seconds: number) {
    this.#run = run;
    this.#seconds = seconds;
  }

  /** Jobs that this user may have submitted at a time. */
  async submitLimit(signal: AbortSignal): Promise<number | undefined> {
    const user = `user=${userInfo().username}`;
    const format = 'format=MaxSubmitJobs,GrpSubmitJobs';
    return parseSubmitLimits(
      await this.#ask('sacctmgr', ['-n', '-P', 'show', 'assoc', user, format], signal),
    );
  }

  /** The arrays of that name. */
  async find(name: string, signal: AbortSignal): Promise<string[]> {
    const args = ['-n', '-P', '-X', '-S', farthest, `--name=${name}`, '-o', 'JobID,JobName'];
    const lines = (await this.#ask('sacct', args, signal)).split('\n');
    return lines.flatMap((line) => {
      const match = /^(\d+)(?:_[^|]*)?\|(.*)$/.exec(line);
      return match?.[1] !== undefined && match[2] === name ? [match[1]] : [];
    });
  }

  /** @param clusters the option that chooses them, if one is needed */
  async states(
    jobs: readonly string[],
    clusters: readonly string[],
    signal: AbortSignal,
  ): Promise<ElementState[]> {
    const byNumber = new Map(jobs.map((job) => [job.split(';')[0] ?? '', job]));
    const which = ['-j', [...byNumber.keys()].join(',')];
    const args = [
      '-n',
      '-P',
      '-X',
      '-S',
      farthest,
      ...clusters,
      ...which,
      '-o',
      'JobID,State,ExitCode,NodeList',
    ];
    return parseAccounts(await this.#ask('sacct', args, signal), byNumber);
  }

  async #ask(name: SlurmProgram, args: readonly string[], signal: AbortSignal): Promise<string> {
    const end = await this.#run(name, args, { seconds: this.#seconds, signal });
    return end.status === 0 ? end.stdout : '';
  }
}

/**
 * Lines such as `17_4|CANCELLED by 1000|0:15|n1`, and `17_[5-9]|PENDING|0:0|None assigned`.
 *
 * @param jobs what callers know them by, by their numbers
 */
export function parseAccounts(text: string, jobs: ReadonlyMap<string, string>): ElementState[] {
  return text.split('\n').flatMap((line) => {
    const [id = '', state = '', exit = '', node = ''] = line.split('|');
    const [array = '', elements = ''] = id.split('_');
    const job = jobs.get(array);
    if (job === undefined || state === '') return [];
    const judged = judgeState({ state, node, exit, reason: '' });
    return (parseElements(elements) ?? []).map((element) => ({ job, element, ...judged }));
  });
}
