/** Seconds that an element is to take: a grid needs up to some tenths of a second for each, and its worker a start. */
const elementSeconds = 300;
/** Seconds of a point of which nothing is known yet. */
const assumedSeconds = 30;

export interface BundleFacts {
  /** Points that are to be run. */
  readonly points: number;
  /** Mean time of a point, in seconds; undefined before any has ended. */
  readonly pointSeconds: number | undefined;
  /** Elements that can run at once; undefined where nobody says. */
  readonly slots: number | undefined;
  /** Elements that there may be, at most. */
  readonly elements: number;
}

/**
 * How many points an element of a job array gets: so many that it runs for minutes, but not so many that a part of the
 * grid has nothing to do (each slot gets two elements at least), nor so few that the elements are more than there may be.
 */
export function bundleSize({ points, pointSeconds, slots, elements }: BundleFacts): number {
  const byTime = Math.round(elementSeconds / Math.max(pointSeconds ?? assumedSeconds, 0.01));
  const bySlots = slots === undefined ? Infinity : Math.ceil(points / (2 * slots));
  const least = Math.ceil(points / Math.max(1, elements));
  return Math.max(1, least, Math.min(byTime, bySlots));
}
