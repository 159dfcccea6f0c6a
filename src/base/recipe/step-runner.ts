/** A step to be executed in a machine. */
export interface StepOrder {
  /** Raw image of the root file system; it is written to. */
  readonly root: string;
  /** Raw image of the application disk, which has the step (guest/recipe-step). */
  readonly app: string;
  /** Bytes of memory of the machine. */
  readonly memory: number;
  /** The machine reaches the network of this host. */
  readonly network: boolean;
  /** Seconds for all of it; undefined: none. */
  readonly timeout: number | undefined;
}

export interface StepOutcome {
  /** Of the step; null where the machine did not get to its end. */
  readonly status: number | null;
  /** What kept it from that, a sentence without its full stop. */
  readonly problem?: string;
  /** What the step said: written by the guest. */
  readonly log: Buffer;
}

/**
 * Executes a step in a machine of its own. How it went is in the outcome; the image is as the guest left it.
 *
 * @throws GvaError where no machine could be started; the signal's reason
 */
export type StepRunner = (order: StepOrder, signal: AbortSignal) => Promise<StepOutcome>;
