import type { BaseChoice } from '../base/wanted.js';
import type { StartWish } from '../instance/start.js';
import type { WatchLimits } from '../instance/watch.js';
import type { StartChoice } from '../model/start.js';

/** What may be said of instances, whether of one or of a sweep. */
export interface InstanceOptions {
  /** Virtual machine monitor; `auto`, where absent: the fastest that works here. */
  readonly vmm?: 'auto' | 'qemu' | 'uml';
  /** `warm`: as a clone of a saved guest; `auto` where absent. */
  readonly start?: StartChoice;
  /** Seconds after which an instance is ended; none where absent. */
  readonly timeout?: number;
  /** Seconds after which an instance is given up if its guest has not started by then; 120 where absent. */
  readonly bootTimeout?: number;
  /** Keep the disks as the guest left them, with the results. */
  readonly keepDisks?: boolean;
  /** Ends what runs. What it has not published is lost. */
  readonly signal?: AbortSignal;
  /** Told, as a sentence, of what takes long or should be known: a template that is made, a base that is chosen. */
  readonly onNote?: (note: string) => void;
}

const bootTimeout = 120;

/** @internal */
export const limitsOf = (options: InstanceOptions): WatchLimits => ({
  boot: options.bootTimeout ?? bootTimeout,
  total: options.timeout,
  powerOff: 30,
});

/** @internal */
export async function startOf({ start = 'auto', onNote = ignore }: InstanceOptions): Promise<StartWish> {
  const { Templates } = await import('../instance/template/templates.js');
  return { choice: start, make: 'never', templates: new Templates(onNote) };
}

/** @internal Where several bases have what is required, the newest is taken. */
export const baseOf = ({ onNote = ignore }: InstanceOptions): BaseChoice => ({ say: onNote });

const ignore = () => undefined;
