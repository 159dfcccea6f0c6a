import type { ElementState } from '../engine.js';
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
 * @param jobs as `sbatch --parsable` said: a number, or a number, ";" and the name of the cluster
 */
export function parseQueue(text: string, jobs: readonly string[]): ElementState[] {
  const asked = new Set(jobs);
  // Where squeue names no clusters, numbers must do: those of one cluster only.
  const clusters = new Set(jobs.map((job) => job.split(';')[1]));
  const byNumber = new Map(clusters.size === 1 ? jobs.map((job) => [job.split(';')[0], job]) : []);
  const states: ElementState[] = [];
  const judged = new Map<string, ReturnType<typeof judgeWords>>();
  for (const { line, cluster } of linesOf(text)) {
    const array = line.slice(0, Math.max(0, line.indexOf('|')));
    const job =
      [`${array};${cluster}`, array].find((name) => asked.has(name)) ??
      (cluster === '' ? byNumber.get(array) : undefined);
    if (job === undefined) continue;
    const end = line.indexOf('|', array.length + 1);
    const words = line.slice(end + 1);
    // Thousands of elements have the same words.
    const state = judged.get(words) ?? judgeWords(words);
    judged.set(words, state);
    if (end === -1 || state === undefined) continue;
    for (const element of parseElements(line.slice(array.length + 1, end)) ?? [])
      states.push({ job, element, ...state });
  }
  return states;
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
