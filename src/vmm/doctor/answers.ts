import { type SpeedTest, type Speeds, speedTests } from '../../model/doctor.js';

/**
 * What `guest/doctor/speed` says: `@doctor1 start`, for each test `@doctor1 speed test=NAME count=N cs=N` (units of
 * work, hundredths of a second), `@doctor1 end`. A firmware may have left something before it on the line; whatever
 * else comes is no answer. Of answers to one question the first counts.
 */
export class GuestAnswers {
  started = false;
  ended = false;
  readonly #speeds = new Map<SpeedTest, number>();

  take(line: string): void {
    const [, word, rest = ''] = /@doctor1 (start|speed|end)(?: (.*))?$/.exec(line) ?? [];
    if (word === 'start') this.started = true;
    if (word === 'end') this.ended = this.started;
    if (word === 'speed' && this.started) this.#takeSpeed(rest);
  }

  /** Units of work per second. */
  get speeds(): Speeds {
    return Object.fromEntries(this.#speeds);
  }

  #takeSpeed(text: string): void {
    const [, name, count, cs] = /^test=([a-z]+) count=(\d{1,15}) cs=(\d{1,7})$/.exec(text) ?? [];
    const test = speedTests.find((known) => known === name);
    if (!test || Number(count) === 0 || Number(cs) === 0 || this.#speeds.has(test)) return;
    this.#speeds.set(test, (Number(count) * 100) / Number(cs));
  }
}

/** Speeds divided by those of the host, where both are known. */
export function relativeSpeeds(speeds: Speeds, native: Speeds): Speeds {
  const ratios = speedTests.flatMap((test) => {
    const [own, host] = [speeds[test], native[test]];
    return own === undefined || host === undefined ? [] : [[test, own / host] as const];
  });
  return Object.fromEntries(ratios);
}
