import type { CancelPoints, ConsoleTail, LiveStatus, RetryPoints } from '../live/protocol.js';

/** A sweep as the server of a live page sees it. */
export interface SweepSource {
  /** Part of addresses: letters and digits. */
  readonly id: string;
  readonly name: string;
  readonly status: LiveStatus;
  /** A code for each point: `codeOf()`. */
  readonly states: Uint8Array;
  /** Another number when the table is another one; 0 while there is none. */
  readonly tableVersion: number;
  /** Has it called whenever something of the above has changed. */
  onChange(listener: () => void): void;
  /** The table of results, as JSON; undefined while there is none. */
  table(): Promise<{ readonly version: number; readonly json: string } | undefined>;
  /** The end of what the guest of a point has said on its console. */
  console(point: number): Promise<ConsoleTail>;
  /** @throws GvaError */
  cancel(points: CancelPoints, signal: AbortSignal): Promise<void>;
  /** @throws GvaError */
  retry(points: RetryPoints, signal: AbortSignal): Promise<void>;
}
