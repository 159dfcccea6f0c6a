import type { ElementState } from '../engine.js';
import { parseElements } from './element-list.js';
import { judgeState } from './states.js';

/** Array, element, own number, state, nodes, reason, name: what may have anything in it comes last. */
export const queueFormat = '%F|%K|%A|%T|%N|%r|%j';
export const nameFormat = '%F|%j';

/**
 * The states of the arrays' elements, from what squeue says of all jobs (`queueFormat`, -r). Lines that are something
 * else are passed over: an element that is not spoken of is a case that callers know.
 *
 * @param jobs as `sbatch --parsable` said: a number, or a number, ";" and the name of the cluster
 */
export function parseQueue(text: string, jobs: readonly string[]): ElementState[] {
  const asked = new Map(jobs.map((job) => [job, job]));
  // Where squeue names no clusters, numbers must do: those of one cluster only.
  const clusters = new Set(jobs.map((job) => job.split(';')[1]));
  if (clusters.size === 1) for (const job of jobs) asked.set(job.split(';')[0] ?? '', job);
  const states: ElementState[] = [];
  for (const { line, cluster } of linesOf(text)) {
    const [array = '', elements = '', , word = '', node = '', reason = ''] = line.split('|', 7);
    const job = asked.get(cluster === '' ? array : `${array};${cluster}`) ?? asked.get(array);
    if (word === '' || job === undefined) continue;
    for (const element of parseElements(elements) ?? [])
      states.push({ job, element, ...judgeState(word, node, reason) });
  }
  return states;
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

/** With several clusters, a line such as `CLUSTER: name` comes before the jobs of each. */
function* linesOf(text: string): Iterable<{ line: string; cluster: string }> {
  let cluster = '';
  for (const line of text.split('\n'))
    if (line.startsWith('CLUSTER: ')) cluster = line.slice('CLUSTER: '.length).trim();
    else if (line !== '') yield { line, cluster };
}
