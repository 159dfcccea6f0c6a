import type { ElementEnd, ElementState } from '../engine.js';

/** Ends by the words of squeue(1), JOB STATE CODES. What is in neither table has not ended, as far as is known. */
const ends: Readonly<Record<string, ElementEnd>> = {
  COMPLETED: 'completed',
  FAILED: 'failed',
  OUT_OF_MEMORY: 'out-of-memory',
  TIMEOUT: 'time-limit',
  NODE_FAIL: 'node-failed',
  // The node did not come up.
  BOOT_FAIL: 'node-failed',
  PREEMPTED: 'preempted',
  CANCELLED: 'cancelled',
  // It could not end before the time that --deadline said.
  DEADLINE: 'cancelled',
};

/** Not on any node, and to come there, or to come there again. */
const pending = new Set([
  ...['PENDING', 'CONFIGURING', 'REQUEUED', 'REQUEUE_FED', 'REQUEUE_HOLD', 'RESV_DEL_HOLD', 'SPECIAL_EXIT'],
  'REVOKED',
]);

/**
 * What Slurm's words about an element mean. COMPLETING, for one, is running: how it ended is not known yet.
 *
 * @param text a word, perhaps with more: `CANCELLED by 1000`, `COMPLETED+`
 * @param node empty, or a word in parentheses, where it has none
 */
export function judgeState(
  text: string,
  node: string,
  reason: string,
): Omit<ElementState, 'job' | 'element'> {
  const word = /^[A-Z_]+/.exec(text)?.[0] ?? text;
  const hasNode = node !== '' && !/^\(|^None|^N\/A/.test(node);
  const told = {
    word,
    ...(hasNode ? { node } : {}),
    ...(reason === '' || reason === 'None' ? {} : { reason }),
  };
  const end = ends[word];
  if (end === undefined) return { ...told, state: pending.has(word) ? 'pending' : 'running' };
  // FAILED is also what could not be begun: 0:53 with its log, BadConstraints without a node.
  const launched = word !== 'FAILED' || (hasNode && reason !== 'JobLaunchFailure');
  return { ...told, state: 'ended', end: launched ? end : 'launch-failed' };
}
