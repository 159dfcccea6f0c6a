import type { ElementState } from './engine.js';

/** Why the points of an element that is over have no result. */
export type FailureKind =
  | 'out-of-memory'
  | 'time-limit'
  | 'node-failed'
  | 'preempted'
  | 'cancelled'
  | 'launch-failed'
  | 'logs-gone'
  | 'node-unfit'
  | 'file-system-full'
  | 'out-of-time'
  | 'saved'
  | 'worker-failed'
  | 'vanished';

/** What a worker's record says of its end. */
export interface WorkerEnd {
  /** It began at all. */
  readonly began: boolean;
  readonly stopped?: string;
  readonly trouble?: { readonly code: string; readonly message: string; readonly avoidNode: boolean };
  /** It came to the end of its work. */
  readonly ended: boolean;
}

/** What follows from a failure. */
export interface Rule {
  /** As the message for people begins. */
  readonly told: string;
  /**
   * How much of an attempt it counts for the points that had begun: 1 where they may be the reason, less where they
   * hardly are. Points that had not begun are never blamed.
   */
  readonly blame: number;
  /** The node is avoided from now on. */
  readonly avoidNode: boolean;
  /** What the next attempt gets more of, if a person allows it. */
  readonly grows?: 'memory' | 'time';
  /** `cancel`: not tried again before a person asks. `wait`: nothing is submitted for a while. */
  readonly then: 'again' | 'cancel' | 'wait';
}

/** The rules of retrying, of each kind of failure: docs/grid.md, "When something fails". */
export const rules: Readonly<Record<FailureKind, Rule>> = {
  'out-of-memory': rule('the job was out of memory', 1, { grows: 'memory' }),
  'time-limit': rule('the job came to its time limit', 1, { grows: 'time' }),
  'node-failed': rule('its node failed', 1 / 3, { avoidNode: true }),
  preempted: rule('the job had to make room for another', 0),
  cancelled: rule('the job was cancelled, not by this sweep', 0, { then: 'cancel' }),
  'launch-failed': rule('the grid could not start the job on its node', 1 / 3, { avoidNode: true }),
  'logs-gone': rule('the folder for its log was gone', 0),
  'node-unfit': rule('its node cannot run instances', 0, { avoidNode: true }),
  'file-system-full': rule('the file system of the sweep is full', 0, { then: 'wait' }),
  'out-of-time': rule("the job's time was nearly over", 0),
  saved: rule('it was saved when its job ended', 0),
  'worker-failed': rule('the worker ended before its work was done', 1),
  vanished: rule('the grid does not know the job any more, and it left no result', 1),
};

function rule(told: string, blame: number, others: Partial<Rule> = {}): Rule {
  return { told, blame, avoidNode: false, then: 'again', ...others };
}

/**
 * The kind of failure of an element that is over and has points without an end, from both sides: what its worker wrote
 * down, and what the grid says. The worker knows more of the node; the grid knows why the worker was ended.
 *
 * @param seen undefined where the grid does not speak of the element any more
 */
export function classify(worker: WorkerEnd, seen: ElementState | undefined): FailureKind {
  const { trouble, stopped } = worker;
  if (trouble?.code === 'SHARED_FOLDER_FULL') return 'file-system-full';
  if (trouble?.avoidNode) return 'node-unfit';
  switch (seen?.end) {
    case 'out-of-memory':
    case 'time-limit':
    case 'node-failed':
    case 'preempted':
    case 'cancelled':
    case 'launch-failed':
      return seen.end;
    case 'completed':
    case 'failed':
      return stopped === 'TIME' ? 'out-of-time' : 'worker-failed';
    case undefined:
      break;
  }
  if (stopped === 'TIME') return 'out-of-time';
  if (worker.ended || trouble || stopped !== undefined) return 'worker-failed';
  return 'vanished';
}
