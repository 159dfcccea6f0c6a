/** Part of the job's time that is left unused, for what takes longer than it did so far. */
const slackPart = 0.05;
/** Seconds of it, at most. */
const mostSlack = 60;

/** Whether a job has time for one more point: as much as its longest so far, and some slack. */
export class TimeLeft {
  readonly #seconds: number;
  readonly #now: () => number;
  #longest: number | undefined;

  /**
   * @param seconds that the job is given; undefined: as long as it takes
   * @param now seconds since the job began
   */
  constructor(seconds = Infinity, now: () => number = () => performance.now() / 1000) {
    this.#seconds = seconds;
    this.#now = now;
  }

  /** How long a point took, in seconds. */
  note(seconds: number): void {
    this.#longest = Math.max(this.#longest ?? 0, seconds);
  }

  /** The first is begun in any case: nothing is known of it. */
  get isEnough(): boolean {
    if (this.#longest === undefined) return true;
    const slack = Math.min(mostSlack, this.#seconds * slackPart);
    return this.#seconds - this.#now() >= this.#longest + slack;
  }
}
