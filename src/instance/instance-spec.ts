import type { KeepKind } from '../model/keep.js';
import type { ParameterValues } from '../model/parameter.js';
import type { Placement } from '../vmm/driver.js';
import type { CheckpointWish } from './checkpoint/saving.js';
import type { ControlServer } from './control/server.js';
import type { InputFile } from './identity.js';
import type { PreparedAppliance } from './prepare.js';
import type { UntilRoom } from './save.js';
import type { StartWish } from './start.js';
import type { WatchLimits } from './watch.js';

/** All that one instance is to be. */
export interface InstanceSpec {
  /** Unique among the instances of this user; letters, digits, `-`. */
  readonly id: string;
  readonly prepared: PreparedAppliance;
  /** Of all parameters, checked. */
  readonly parameters: ParameterValues;
  readonly files: readonly InputFile[];
  /** Folder for the results: new or empty. */
  readonly out: string;
  /** Replace results that are there. */
  readonly force: boolean;
  /** How the output is kept. */
  readonly keep: KeepKind;
  /** Keep the disks as the guest left them, with the results. */
  readonly keepDisks: boolean;
  readonly limits: WatchLimits;
  /** Where on the host the machine is to be; anywhere where absent. */
  readonly placement?: Placement;
  /** Where its own disks are, in a folder of theirs; `scratchFolder()` where absent. */
  readonly scratch?: string;
  /** False: `out` need not outlive a crash of the host, because it is going to be copied; true where absent. */
  readonly durable?: boolean;
  /** Cold where absent. */
  readonly start?: StartWish;
  /** None can be taken where absent. */
  readonly checkpoints?: CheckpointWish;
  /** Commands can be run in its guest (docs/channels.md), where that can be; not where absent. */
  readonly channel?: boolean;
  /** Commands can be run in its guest by the QEMU guest agent, which the guest must have; not where absent. */
  readonly qemuAgent?: boolean;
  /** Its guest stays when its scripts have ended, until it is told to end; not where absent. */
  readonly keepRunning?: boolean;
  /** Seconds after which its output is brought home while it runs, again and again; needs `channel`. Not where absent. */
  readonly collectEvery?: number;
  /** Told of what is wrong and does not end it. */
  readonly onTrouble?: (text: string) => void;
  /** Where others can address it while it runs. */
  readonly control?: Pick<ControlServer, 'add'>;
  /** Called when the media are made, before the machine is started. */
  readonly onStarting?: () => void;
  /**
   * Called where the disk is full when results are saved; comes back with true when it is worth another attempt. The
   * guest has ended: what it computed would be lost.
   */
  readonly untilRoom?: UntilRoom;
}
