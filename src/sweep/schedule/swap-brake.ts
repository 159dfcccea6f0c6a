/** Pages swapped in a second from which the host counts as short of memory (400 KiB with pages of 4 KiB). */
const busy = 100;
/** Seconds of calm after which one more instance may run. */
const calmStep = 10;

/**
 * Holds back while the host swaps: no more instances than run, and fewer as these end. Once it is calm, one more every
 * ten seconds, until the brake is off.
 */
export class SwapBrake {
  #last: { readonly at: number; readonly pages: number } | undefined;
  #calmSince = 0;
  #most = Infinity;

  /** Instances that may run at once; Infinity where the brake is off. */
  get most(): number {
    return this.#most;
  }

  /**
   * @param now seconds, not before the last
   * @param pages swapped since the host's boot
   * @param limit instances that may run for all other reasons
   */
  note(now: number, pages: number | undefined, running: number, limit: number): void {
    const last = this.#last;
    if (pages === undefined || (last && now <= last.at)) return;
    this.#last = { at: now, pages };
    if (last && (pages - last.pages) / (now - last.at) > busy) this.#brake(now, running);
    else if (this.#most < Infinity) this.#release(now, limit);
  }

  #brake(now: number, running: number): void {
    this.#most = Math.max(1, Math.min(this.#most, running));
    this.#calmSince = now;
  }

  #release(now: number, limit: number): void {
    const steps = Math.floor((now - this.#calmSince) / calmStep);
    this.#most += steps;
    this.#calmSince += steps * calmStep;
    if (this.#most >= limit) this.#most = Infinity;
  }
}
