import type { Appliance } from './appliance.js';
import type { BaseManifest } from './base.js';
import type { Hardware } from './hardware.js';
import type { KeepKind } from './keep.js';
import type { ParameterValues } from './parameter.js';
import type { StartChoice } from './start.js';
import type { PointOutcome } from './sweep.js';

/**
 * Files by which a sweep's coordinator and its workers on the nodes of a grid know of each other (docs/grid.md). They
 * share nothing else: the folder of the sweep is on a file system that all of them see, which may have no locks and
 * show late what others have written.
 */

/** What one element of a job array is to do: its points, one after the other. Written before the array is submitted. */
export interface GridElement {
  readonly format: 'gva-grid-element/1';
  /** Name of the file in the folder `grid` that says what all elements have in common (`GridWork`). */
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

/** An image that a node keeps a copy of. It is in `grid/images/` of the sweep's folder, its digest is its name. */
export interface GridImage {
  /** Bytes. */
  readonly size: number;
  readonly sha256: string;
}

/** What all elements have in common: `grid/work-DIGEST.json`, which is never changed. Other settings are another file. */
export interface GridWork {
  readonly format: 'gva-grid-work/1';
  /** Version of GVA that wrote it. */
  readonly gva: string;
  readonly appliance: Appliance;
  /** SHA-256 of all that makes the appliance what it is, its base image excepted. */
  readonly digest: string;
  readonly base: { readonly name: string; readonly digest: string };
  readonly machine: GridContractMachine | GridPlainMachine;
  /** `auto`, or the name of a driver. */
  readonly vmm: string;
  /** How instances are started; templates are each node's own. */
  readonly start: StartChoice;
  /** Folder of a QEMU of the user's own, absolute. */
  readonly qemu?: string;
  /** Of each instance, in seconds; `total`: none where absent. */
  readonly limits: { readonly boot: number; readonly total?: number; readonly powerOff: number };
  /** How outputs are kept. */
  readonly keep: KeepKind;
  /** Keep the disks as the guests left them, with the results. */
  readonly keepDisks: boolean;
  /** Seconds between checkpoints of an instance; none are taken where absent. */
  readonly checkpointEvery?: number;
  /** Bytes that a user's images on one node may take, at most. */
  readonly nodeCache: number;
}

/** A guest that keeps GVA's contract; the digests of its base's files name the images. */
export interface GridContractMachine {
  readonly kind: 'contract';
  readonly base: BaseManifest;
  readonly app: GridImage;
  readonly data?: GridImage;
  readonly outputOn: 'disk' | 'app';
}

/** Somebody else's virtual machine. */
export interface GridPlainMachine {
  readonly kind: 'plain';
  /** In the order of booting. */
  readonly disks: readonly { readonly image: GridImage; readonly role?: 'output' }[];
  readonly firmware: 'bios' | 'uefi';
  readonly hardware: Hardware;
  /** A kernel with which a node can find out whether its KVM works; without one, KVM is not used. */
  readonly probeKernel?: GridImage;
}

/**
 * A line of the record that a worker keeps while it works: a file of its own for each job that ever worked on an
 * element, to which only that worker appends. What is not there by now may still come. Where the file system failed in
 * between, a line may be torn (the next one begins a new line), or be there twice.
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
  | {
      readonly record: 'staged';
      readonly bytes: number;
      readonly seconds: number;
      /** Images (their digests) that are used where they are, on the shared file system, and why. */
      readonly inPlace?: { readonly images: readonly string[]; readonly reason: string };
    }
  | { readonly record: 'vmm'; readonly name: string; readonly version: string; readonly accelerator: string }
  | { readonly record: 'point-began'; readonly point: number }
  | {
      readonly record: 'point-ended';
      readonly point: number;
      readonly outcome: PointOutcome;
      /** Bytes that the instance took on the node's disk. */
      readonly scratchBytes: number;
      /** How long it took, by a clock that never jumps; earlier versions do not say. */
      readonly seconds?: number;
      /**
       * Whether its results are the point's; `false`: somebody else's were there already, or it was lost, and what is
       * known of it is in the folder `lost` of the chunk.
       */
      readonly published: boolean;
      /** Folder on the node with results that could not be published. */
      readonly kept?: string;
    }
  /** It was ended with its job, and goes on from its checkpoint: what it had been run for by then, in seconds. */
  | {
      readonly record: 'point-saved';
      readonly point: number;
      readonly elapsed: number;
      readonly bytes: number;
    }
  /** The point had a result of this very work already. */
  | { readonly record: 'point-known'; readonly point: number }
  /** Somebody has cancelled it, or the plan has it no more: it was not begun, or its results are not published. */
  | { readonly record: 'point-skipped'; readonly point: number }
  /** This node, or what the job was given, cannot run instances; nothing more is tried here. */
  | {
      readonly record: 'trouble';
      readonly code: string;
      readonly message: string;
      readonly avoidNode: boolean;
    }
  /**
   * It was told to end by that signal, or, `TIME`, has ended by itself because the job's time is nearly over: the points
   * that have no end in the record have published nothing.
   */
  | { readonly record: 'stopped'; readonly signal: string }
  | { readonly record: 'ended' }
);
