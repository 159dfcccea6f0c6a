import type { GuestEventName } from './guest-event.js';
import type { FailureCause, InstanceState } from './result.js';

/**
 * The one event stream of an instance: terminal, page, report and resume all read it. A line of
 * `events.jsonl` each; `time` is seconds since the instance's start.
 */
export type InstanceEvent = { readonly v: 1; readonly time: number } & (
  | {
      readonly event: 'staged';
      readonly vmm: string;
      readonly accelerator: string;
      /** Absent in events of earlier versions, which knew no other than cold. */
      readonly start?: 'warm' | 'cold';
      /** As in `result.json`. */
      readonly pooled?: true;
      /** Why it was not started warm, or not by the machine that was ready. */
      readonly reason?: string;
    }
  | {
      /** It went on from a checkpoint; `time` goes on from what it was then. */
      readonly event: 'resumed';
      readonly vmm: string;
      readonly accelerator: string;
      /** ISO 8601, UTC: when the checkpoint was taken. */
      readonly takenAt: string;
    }
  | {
      readonly event: 'checkpointed';
      /** Seconds that the guest stood still. */
      readonly pause: number;
      /** Of the checkpoint, all of it. */
      readonly bytes: number;
    }
  | {
      readonly event: 'guest';
      readonly name: GuestEventName;
      /** Seconds since the guest's kernel started. */
      readonly uptime: number;
      readonly fields: Readonly<Record<string, string>>;
    }
  | { readonly event: 'powered-off'; readonly status: number }
  | { readonly event: 'collected'; readonly files: number; readonly bytes: number }
  | { readonly event: 'ended'; readonly state: InstanceState; readonly cause?: FailureCause }
);
