import type { ParameterValues } from './parameter.js';
import type { PointOutcome } from './sweep.js';

/**
 * Files by which a sweep's coordinator and its workers on the nodes of a grid know of each other (docs/grid.md). They
 * share nothing else: the folder of the sweep is on a file system that all of them see, which may have no locks and
 * show late what others have written.
 */

/** What one element of a job array is to do: its points, one after the other. Written before the array is submitted. */
export interface GridElement {
  readonly format: 'gva-grid-element/1';
  /** Name of the file in the sweep's folder that says what all elements have in common (`GridWork`). */
  readonly work: string;
  /** Seconds that the job is given; none where absent. */
  readonly seconds?: number;
  readonly points: readonly GridPoint[];
}

export interface GridPoint {
  readonly index: number;
  /** From 1: how often the coordinator has had it submitted. */
  readonly attempt: number;
  /** SHA-256 of its work (`instanceIdentity()`). */
  readonly identity: string;
  readonly parameters: ParameterValues;
  /** `source`: absolute. */
  readonly files: readonly {
    readonly name: string;
    readonly source: string;
    readonly size: number;
    readonly sha256: string;
  }[];
}

/** An image of the sweep's folder that a node keeps a copy of, found there by its digest. */
export interface GridImage {
  /** Relative to the sweep's folder. */
  readonly file: string;
  /** Bytes. */
  readonly size: number;
  readonly sha256: string;
}

/**
 * A line of the record that a worker keeps while it works: a file of its own for each job that ever worked on an
 * element, to which only that worker appends. What is not there by now may still come.
 */
export type GridRecord = { readonly at: string } & (
  | {
      readonly record: 'began';
      /** As the grid engine calls it. */
      readonly job: string;
      readonly node: string;
      readonly pid: number;
      /** How often the grid engine itself has begun this job anew. */
      readonly restarts: number;
    }
  /** Bytes that were copied from the sweep's folder to the node before the first point: 0 where all was there. */
  | { readonly record: 'staged'; readonly bytes: number; readonly seconds: number }
  | { readonly record: 'vmm'; readonly name: string; readonly version: string; readonly accelerator: string }
  | { readonly record: 'point-began'; readonly point: number }
  | {
      readonly record: 'point-ended';
      readonly point: number;
      readonly outcome: PointOutcome;
      /** Bytes that the instance took on the node's disk. */
      readonly scratchBytes: number;
      /** Whether its results are the point's; `false`: somebody else's were there already. */
      readonly published: boolean;
    }
  /** The point had a result of this very work already. */
  | { readonly record: 'point-known'; readonly point: number }
  /** This node, or what the job was given, cannot run instances; nothing more is tried here. */
  | {
      readonly record: 'trouble';
      readonly code: string;
      readonly message: string;
      readonly avoidNode: boolean;
    }
  /** It was told to end: the points that have no end in the record have published nothing. */
  | { readonly record: 'stopped'; readonly signal: string }
  | { readonly record: 'ended' }
);
