import type { InstanceTimes } from '../../model/result.js';

/** Seconds that an instance spent on what, with milliseconds; null where a moment of it is not known. */
export interface PhaseSeconds {
  /** Making the media; a part of `other`. */
  readonly stage: number | null;
  /** From the machine's start to the application's. */
  readonly boot: number | null;
  readonly script: number | null;
  /** From the application's end to the machine's. */
  readonly shutdown: number | null;
  /** Making the media and collecting the output. */
  readonly other: number | null;
  readonly total: number | null;
}

export function phaseSeconds(times: InstanceTimes | null): PhaseSeconds {
  const stage = between(0, times?.staged);
  const boot = between(times?.staged, times?.scriptsStarted);
  const script = between(times?.scriptsStarted, times?.scriptsEnded);
  const shutdown = between(times?.scriptsEnded, times?.poweredOff);
  const total = between(0, times?.collected);
  const known = boot !== null && script !== null && shutdown !== null && total !== null;
  const other = known ? round(total - boot - script - shutdown) : null;
  return { stage, boot, script, shutdown, other, total };
}

const between = (from: number | null | undefined, to: number | null | undefined) =>
  typeof from === 'number' && typeof to === 'number' ? round(to - from) : null;

const round = (seconds: number) => Math.round(seconds * 1000) / 1000;
