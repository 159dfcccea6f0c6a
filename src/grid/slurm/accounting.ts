import { userInfo } from 'node:os';
import type { ElementState, SubmittedArray } from '../engine.js';
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
    arrays: readonly SubmittedArray[],
    clusters: readonly string[],
    signal: AbortSignal,
  ): Promise<ElementState[]> {
    const numbers = new Set(arrays.map(({ job }) => numberOf(job)));
    const which = [...clusters, '-j', [...numbers].join(',')];
    // Of a number that was given away twice, all.
    const args = ['-n', '-P', '-X', '-D', '-S', farthest, ...which, '-o', accountFormat];
    return parseAccounts(await this.#ask('sacct', args, signal), arrays);
  }

  async #ask(name: SlurmProgram, args: readonly string[], signal: AbortSignal): Promise<string> {
    const end = await this.#run(name, args, { seconds: this.#seconds, signal });
    return end.status === 0 ? end.stdout : '';
  }
}

const accountFormat = 'JobID,State,ExitCode,NodeList,JobName';

const numberOf = (job: string) => job.split(';', 1)[0] ?? '';

/**
 * The states of the arrays' elements, from what sacct says (`accountFormat`): lines such as
 * `17_4|CANCELLED by 1000|0:15|n1|gva-a`, and `17_[5-9]|PENDING|0:0|None assigned|gva-a`.
 */
export function parseAccounts(text: string, arrays: readonly SubmittedArray[]): ElementState[] {
  const numbers = new Map(arrays.map(({ job, name }) => [name, numberOf(job)]));
  return text.split('\n').flatMap((line) => {
    const [id = '', state = '', exit = '', node = '', array = ''] = line.split('|');
    const [number = '', elements = ''] = id.split('_');
    if (numbers.get(array) !== number || state === '') return [];
    const judged = judgeState({ state, node, exit, reason: '' });
    return (parseElements(elements) ?? []).map((element) => ({ array, element, ...judged }));
  });
}
