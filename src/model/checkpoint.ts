import type { Appliance } from './appliance.js';
import type { KeepKind } from './keep.js';
import type { ParameterValues } from './parameter.js';
import type { InstanceTimes, ScriptResult } from './result.js';

/** An image that a checkpoint needs and has not in it. */
export interface NeededImage {
  /** Absolute; where it was. */
  readonly file: string;
  readonly size: number;
  readonly sha256: string;
}

/** A disk of a saved machine. */
export interface SavedDisk {
  readonly id: 'root' | 'app' | 'data' | 'output' | 'cdrom' | 'floppy' | 'mailbox' | `disk${number}`;
  /** Bytes, as the guest sees it. */
  readonly size: number;
  readonly access: 'overlay' | 'read-write' | 'read-only';
  /**
   * Files of the checkpoint. Of a disk that is written: layers (qcow2), the lowest first, on the image that is needed, or
   * on zeros. Else one: all of its content.
   */
  readonly files: readonly string[];
}

/** `checkpoint.json`: a running instance as it was at a moment, so that it can go on from there. */
export interface CheckpointManifest {
  readonly format: 'gva-checkpoint/1';
  readonly gva: string;
  /** Counts the checkpoints of one instance, from 1 on. */
  readonly number: number;
  /** ISO 8601, UTC. */
  readonly takenAt: string;
  readonly instance: {
    readonly id: string;
    readonly appliance: Appliance;
    /** Of the appliance. */
    readonly digest: string;
    readonly outputOn: 'disk' | 'app';
    readonly parameters: ParameterValues;
    readonly files: readonly { name: string; size: number; sha256: string }[];
    /** As of a result. */
    readonly identity: string;
    /** Where the results go; absolute. */
    readonly out: string;
    readonly force: boolean;
    readonly keep: KeepKind;
    /** Seconds. */
    readonly limits: { readonly boot: number; readonly total?: number; readonly powerOff: number };
    /** Seconds between checkpoints. */
    readonly every?: number;
  };
  readonly base: { readonly name: string; readonly digest: string; readonly folder: string };
  readonly images: { readonly app: NeededImage; readonly data?: NeededImage };
  /** What a machine must have to go on from here, beside the facts. */
  readonly machine: { readonly cpus: number; readonly memory: number; readonly disks: readonly SavedDisk[] };
  readonly vmm: { readonly name: string; readonly version: string; readonly accelerator: string };
  /** Of host and VMM; all of them must be the same where it goes on. */
  readonly facts: Readonly<Record<string, string>>;
  /** Memory and devices: a file of the checkpoint, compressed (gzip). */
  readonly state: string;
  /** How far it had come. */
  readonly progress: SavedProgress;
  /** The last of what its console has said, and its events: files of the checkpoint. */
  readonly console: string;
  readonly events: string;
  /** All other files of the checkpoint. */
  readonly files: Readonly<Record<string, { readonly size: number; readonly sha256: string }>>;
}

export interface SavedProgress {
  /** ISO 8601, UTC: of its very first start. */
  readonly startedAt: string;
  /** Seconds that it has been run for. */
  readonly elapsed: number;
  readonly times: InstanceTimes;
  readonly scripts: readonly ScriptResult[];
  /** Seconds of the guest's clock at the start of the last script. */
  readonly scriptStartedAt: number;
  /** 1 KiB blocks, as a script's end has told. */
  readonly free?: number;
  readonly start: 'warm' | 'cold';
  readonly startReason?: string;
  /** How often it had gone on from a checkpoint. */
  readonly resumed: number;
  /** What the guest had begun to say. */
  readonly unfinished: string;
}
