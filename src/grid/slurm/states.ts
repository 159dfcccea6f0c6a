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

/** Slurm's words about a job, or about a set of elements that it has the same words for. */
export interface JobWords {
  /** A word, perhaps with more: `CANCELLED by 1000`, `COMPLETED+`. */
  readonly state: string;
  /** Empty, or a word in parentheses, where there is none. */
  readonly node: string;
  readonly reason: string;
  /** `status:signal`, or both in one number as of wait(2), by the version. */
  readonly exit: string;
}

/** The signal that Slurm gives as end of what it could not begin on its node: its log could not be opened, say. */
const launchSignal = 53;

/**
 * What Slurm's words mean. COMPLETING, for one, is running: how it ended is not known yet. Of a failure, the reason is
 * told by the exit code, as Slurm says JobLaunchFailure for every end by a signal (seen with 22.05).
 */
export function judgeState(words: JobWords): Omit<ElementState, 'array' | 'element'> {
  const { state, node, reason } = words;
  const word = /^[A-Z_]+/.exec(state)?.[0] ?? state;
  const hasNode = node !== '' && !/^\(|^None|^N\/A/.test(node);
  const told = {
    word,
    ...(hasNode ? { node } : {}),
    ...(reason === '' || reason === 'None' ? {} : { reason }),
  };
  const end = ends[word];
  if (end === undefined) return { ...told, state: pending.has(word) ? 'pending' : 'running' };
  if (end !== 'failed') return { ...told, state: 'ended', end };
  const [status, signal] = exitOf(words.exit);
  // BadConstraints, for one, has no node.
  if (!hasNode || signal === launchSignal) return { ...told, state: 'ended', end: 'launch-failed' };
  return { ...told, state: 'ended', end, reason: signal > 0 ? `signal ${signal}` : `exit status ${status}` };
}

function exitOf(text: string): [status: number, signal: number] {
  const [first = NaN, second] = text.split(':').map(Number);
  return second === undefined ? [(first >> 8) & 0xff, first & 0x7f] : [first, second];
}
