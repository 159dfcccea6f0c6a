import { setTimeout as sleep } from 'node:timers/promises';
import type { InstanceResult } from '../../model/result.js';
import { messageOf } from '../../system/errors.js';
import { Checkpointer, type EarlierCheckpoint, type Saveable, type Taken } from './checkpointer.js';

/** What is wanted of an instance's checkpoints. */
export interface CheckpointWish {
  /** That they are kept in; of this instance alone. */
  readonly folder: string;
  /** Seconds from one to the next; where absent they are taken when somebody asks. */
  readonly every?: number;
  /** When it is aborted, the instance is saved and ended. */
  readonly leave?: AbortSignal;
  /**
   * Go on from the one that is in the folder: `must`, or else it is an error; `may`: where there is none, or it is
   * refused, the instance begins anew. Never where absent.
   */
  readonly resume?: 'must' | 'may';
  /**
   * Folders of earlier attempts, the best first, that an instance that `may` go on looks for a checkpoint in, instead of
   * its own. They are read only, since whoever fills one may still live; those that are refused are left for others.
   */
  readonly from?: readonly string[];
  /** They stay when there are results: who wishes so removes them. */
  readonly stay?: boolean;
  /** Told, in a sentence, of what went wrong with one. */
  readonly onTrouble?: (text: string) => void;
}

/** Has the checkpoints of a running instance taken: from time to time, when it is to end, and when somebody asks. */
export class Saving implements AsyncDisposable {
  /** Aborted when the instance is to be ended, because it was saved, or could not be. */
  readonly left: AbortSignal;
  /** Why it could not be saved at the end. */
  trouble: string | undefined;
  readonly #checkpointer: Checkpointer;
  readonly #wish: CheckpointWish;
  readonly #of: Saveable;
  readonly #left = new AbortController();
  readonly #over = new AbortController();
  readonly #leaving = () => void this.leave();

  /** Undefined where the machine has no checkpoints, and none that it went on from. */
  static begin(of: Saveable, earlier: EarlierCheckpoint | undefined): Saving | undefined {
    const { checkpoints: wish } = of.spec;
    const { checkpoints: machine } = of.machine;
    if (!wish || !(machine || earlier)) return undefined;
    return new Saving(of, wish, new Checkpointer(of, machine, wish.folder, earlier));
  }

  private constructor(of: Saveable, wish: CheckpointWish, checkpointer: Checkpointer) {
    this.#of = of;
    this.#wish = wish;
    this.#checkpointer = checkpointer;
    this.left = this.#left.signal;
    if (wish.every !== undefined) void this.#regularly(wish.every);
    wish.leave?.addEventListener('abort', this.#leaving, { once: true });
    if (wish.leave?.aborted) void this.leave();
  }

  get last(): Taken | undefined {
    return this.#checkpointer.last;
  }

  /** @throws GvaError VMM_CHECKPOINT, CHECKPOINT, CHECKPOINT_IN_USE */
  take(): Promise<Taken> {
    return this.#checkpointer.take(this.#over.signal);
  }

  /** Saves the instance and ends it. @throws GvaError as `take()`; it runs on then */
  async takeAndLeave(): Promise<Taken> {
    const taken = await this.take();
    this.#left.abort();
    return taken;
  }

  /** Saves the instance and ends it; also where it cannot be saved, as who wants its end will not wait. */
  async leave(): Promise<void> {
    try {
      await this.take();
    } catch (error) {
      this.trouble = messageOf(error);
    }
    this.#left.abort();
  }

  /** The machine has ended. */
  end(): void {
    this.#over.abort(new Error('the machine has ended'));
    this.#wish.leave?.removeEventListener('abort', this.#leaving);
  }

  /** Its result is published. Of one whose VMM was ended by others, the checkpoint stays: it may go on from there. */
  async published({ state, cause }: Pick<InstanceResult, 'state' | 'cause'>): Promise<void> {
    if (this.#wish.stay) return;
    if (state !== 'lost' || cause !== 'vmm-failed') await this.#checkpointer.over();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.end();
    await this.#checkpointer[Symbol.asyncDispose]();
  }

  async #regularly(seconds: number): Promise<void> {
    const { signal } = this.#over;
    const pause = () => sleep(Math.min(seconds * 1000, 2 ** 31 - 1), true, { signal }).catch(() => false);
    while (await pause()) {
      // A guest that has not begun is sooner started again.
      if (this.#of.clock.times.booted === null || this.#left.signal.aborted) continue;
      await this.take().catch((error: unknown) => {
        if (!signal.aborted) this.#wish.onTrouble?.(messageOf(error));
      });
    }
  }
}
