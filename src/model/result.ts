import type { ParameterValues } from './parameter.js';

/**
 * How an instance ended. `done`: the guest said so and every script ended with 0. `failed`: the application
 * failed. `lost`: something around it did (VMM, guest kernel, time limit). `cancelled`: the user ended it.
 */
export type InstanceState = 'done' | 'failed' | 'lost' | 'cancelled';

/** Why an instance is not done. */
export type FailureCause =
  | 'script-status'
  | 'output-full'
  | 'panic'
  | 'timeout'
  | 'boot-timeout'
  /** Its guest was not heard of for too long. */
  | 'silent'
  | 'no-done'
  | 'vmm-failed'
  | 'output-unreadable'
  /** The host could not write what the guest wrote, mostly because its disk was full; the guest may not have noticed. */
  | 'disk-error'
  | 'interrupted'
  /** It was told to end, and can go on from a checkpoint. */
  | 'checkpointed';

export interface ScriptResult {
  readonly name: string;
  /** Exit status; 128 + signal number where a signal ended it; null where the end was not seen. */
  readonly status: number | null;
  /** Seconds in the guest; null where the end was not seen. */
  readonly seconds: number | null;
}

/** Moments of an instance's life, in seconds since its start; null where the instance did not get there. */
export interface InstanceTimes {
  /** Media are made, and the template there is, if one had to be made; the VMM is started next. */
  readonly staged: number | null;
  /** GVAD says its first word: the guest's kernel and init are through, or it is awake. */
  readonly booted: number | null;
  /** GVAD has every medium. */
  readonly ready: number | null;
  readonly scriptsStarted: number | null;
  readonly scriptsEnded: number | null;
  /** The VMM has ended. */
  readonly poweredOff: number | null;
  /** The output is on the host and the result is written. */
  readonly collected: number | null;
}

export interface CollectedOutput {
  readonly files: number;
  readonly bytes: number;
  /** What was refused, skipped or neutralised while reading the guest's disk. */
  readonly findings: readonly { code: string; path: string; message: string }[];
}

/** `result.json`: all there is to know of one instance. A reader of any later version must read this one. */
export interface InstanceResult {
  readonly format: 'gva-result/1';
  readonly gva: string;
  readonly instance: string;
  readonly appliance: { readonly name: string; readonly version: string; readonly digest: string };
  readonly base: { readonly name: string; readonly digest: string };
  readonly parameters: ParameterValues;
  readonly files: readonly { readonly name: string; readonly size: number; readonly sha256: string }[];
  /** SHA-256 of appliance, base, parameters and files: the same work has the same identity. */
  readonly identity: string;
  readonly vmm: { readonly name: string; readonly version: string; readonly accelerator: string };
  /** `warm`: as a clone of a template. Absent in results of earlier versions, which knew no other than cold. */
  readonly start?: 'warm' | 'cold';
  /** The machine was there, and rehearsed, before its instance was known; absent where it was not. */
  readonly pooled?: true;
  /** Why it was not started warm, or not by the machine that was ready; absent where it was, or nobody wanted it. */
  readonly startReason?: string;
  /** How often it went on from a checkpoint; absent where it never did. Moments and limits count what it was run for. */
  readonly resumed?: number;
  /** Why it did not go on from the checkpoint that there was. */
  readonly resumeReason?: string;
  readonly state: InstanceState;
  readonly cause?: FailureCause;
  /** One sentence for people; absent where all is well. */
  readonly message?: string;
  readonly scripts: readonly ScriptResult[];
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly times: InstanceTimes;
  readonly output: CollectedOutput | null;
  /** Bytes allocated on the host's disk for this instance while it ran. */
  readonly scratchBytes: number;
  readonly host: string;
}
