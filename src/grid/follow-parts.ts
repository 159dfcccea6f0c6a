import type { GridEngine } from './engine.js';
import type { Fleet } from './fleet.js';
import type { Nodes } from './nodes.js';
import type { EndParts, PointEnds } from './point-ends.js';

/** What following a sweep's jobs needs. */
export interface FollowParts {
  readonly sweep: EndParts & { readonly out: string };
  readonly engine: GridEngine;
  readonly fleet: Fleet;
  readonly ends: PointEnds;
  readonly nodes: Nodes;
  /** Seconds instead of the usual ones. */
  readonly patience: number | undefined;
  readonly signal: AbortSignal;
  /** Told how long a point took, in seconds. */
  readonly onDuration?: (seconds: number) => void;
}

/** Seconds. */
export const patience = {
  /** Between a worker's word that a point has ended and its result being seen. */
  result: 60,
  /** Between an element's end and its worker's last word, or the grid's reason, being seen. */
  record: 10,
  /** Until the grid is asked again to end what it has not ended. */
  cancel: 60,
} as const;
