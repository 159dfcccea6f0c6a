import type { ElementState, SubmittedArray } from '../engine.js';
import { parseElements } from './element-list.js';
import { judgeState } from './states.js';

/**
 * Array, elements, exit code, state, nodes, reason, name: what may have anything in it comes last. A colon and a bar is a
 * field as long as it is, with a bar behind it (squeue(1), -O).
 */
export const queueFormat = 'ArrayJobID:|,ArrayTaskID:|,exit_code:|,State:|,NodeList:|,Reason:|,Name:';
export const nameFormat = 'ArrayJobID:|,Name:';

/**
 * Makes squeue write sets of elements in full. Its option -r, a line for each, leaves out the last one of some sets: of
 * `0-38:2`, it does not speak of 38 (seen with 22.05).
 */
export const queueEnvironment = { SLURM_BITSTR_LEN: '0' };

/**
 * The states of the arrays' elements, from what squeue says of all jobs (`queueFormat`). Lines that are something else are
 * passed over: an element that is not spoken of is a case that callers know.
 *
 * @param arrays `job` as `sbatch --parsable` said: a number, or a number, ";" and the name of the cluster
 */
export function parseQueue(text: string, arrays: readonly SubmittedArray[]): ElementState[] {
  const asked = new Map(arrays.map(({ job, name }) => [name, job]));
  const states: ElementState[] = [];
  const judged = new Map<string, ReturnType<typeof judgeWords>>();
  for (const { line, cluster } of linesOf(text)) {
    const array = line.slice(line.lastIndexOf('|') + 1);
    const job = asked.get(array);
    if (job === undefined) continue;
    const [number = '', elements = ''] = line.split('|', 2);
    if (!isJob(job, number, cluster)) continue;
    const words = line.slice(number.length + elements.length + 2);
    // Thousands of elements have the same words.
    const state = judged.get(words) ?? judgeWords(words);
    judged.set(words, state);
    if (state === undefined) continue;
    for (const element of parseElements(elements) ?? []) states.push({ array, element, ...state });
  }
  return states;
}

/** Where squeue names no clusters, the number must do. */
function isJob(job: string, number: string, cluster: string): boolean {
  const [known = '', itsCluster] = job.split(';', 2);
  return known === number && (cluster === '' || itsCluster === undefined || itsCluster === cluster);
}

/** @param words a line from the exit code on */
function judgeWords(words: string): ReturnType<typeof judgeState> | undefined {
  const [exit = '', state = '', node = '', reason = ''] = words.split('|', 4);
  return state === '' ? undefined : judgeState({ state, node, reason, exit });
}

/** The arrays of that name, from what squeue says (`nameFormat`), once for each of their lines. */
export function parseNames(text: string, name: string): string[] {
  const jobs: string[] = [];
  for (const { line, cluster } of linesOf(text)) {
    const [array = '', ...rest] = line.split('|');
    if (/^\d+$/.test(array) && rest.join('|') === name)
      jobs.push(cluster === '' ? array : `${array};${cluster}`);
  }
  return jobs;
}

/** Where clusters were named, a line such as `CLUSTER: name` comes before the jobs of each; not with squeue -h. */
function* linesOf(text: string): Iterable<{ line: string; cluster: string }> {
  let cluster = '';
  for (const line of text.split('\n'))
    if (line.startsWith('CLUSTER: ')) cluster = line.slice('CLUSTER: '.length).trim();
    else if (line !== '') yield { line, cluster };
}
