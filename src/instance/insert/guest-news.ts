import type { GuestEvent } from '../../model/guest-event.js';

/** What a guest says, for those who wait for something of it. */
export class GuestNews {
  /** The guest has its media, and looks for others. */
  ready = false;
  /** Number of the last medium that it has let go. */
  gone: string | undefined;
  readonly #waiting = new Set<(event: GuestEvent) => void>();

  note(event: GuestEvent): void {
    if (event.name === 'ready') this.ready = true;
    if (event.name === 'insert-gone') this.gone = event.fields['id'];
    for (const take of this.#waiting) take(event);
  }

  /**
   * The next event that is wanted; undefined where the signal comes first.
   *
   * @param wanted must not throw
   */
  async next(wanted: (event: GuestEvent) => boolean, signal: AbortSignal): Promise<GuestEvent | undefined> {
    return new Promise((resolve) => {
      const end = (event?: GuestEvent) => {
        this.#waiting.delete(take);
        signal.removeEventListener('abort', aborted);
        resolve(event);
      };
      const take = (event: GuestEvent) => {
        if (wanted(event)) end(event);
      };
      const aborted = () => end();
      this.#waiting.add(take);
      signal.addEventListener('abort', aborted, { once: true });
      if (signal.aborted) end();
    });
  }
}
