import { checkSortable } from '../../sweep/plan/ordered.js';
import type { Plan } from '../../sweep/plan/plan.js';
import { countPoints } from '../../sweep/plan/points.js';
import { checkPlanSize, grouped, mostUnasked } from '../../sweep/plan/size.js';
import { ExitCode, GvaError } from '../../system/errors.js';
import { agreed, canAsk } from '../ask.js';
import { StatusLine, type TextStream } from '../status-line.js';

/** Seconds before counting is told; between two lines of it. */
const [quickCount, linePause] = [1, 5];

/** How one talks with the person who runs a plan. */
export interface SizeTalk {
  readonly stream: TextStream;
  /** Tells nothing of the counting. */
  readonly quiet: boolean;
  /** Seconds after which the points of a plan that may be too large are counted no longer. */
  readonly patience: number;
  /** Undefined where nobody can be asked. */
  readonly ask: ((question: string, signal: AbortSignal) => Promise<boolean>) | undefined;
}

export const talkOf = (quiet: boolean): SizeTalk => ({
  ...{ stream: process.stderr, quiet, patience: 20 },
  ask: canAsk() ? agreed : undefined,
});

/**
 * Counts the points of a plan where some are left out, and asks whether so many are meant.
 *
 * @param yes so many are meant
 * @throws GvaError PLAN_TOO_LARGE where nobody can be asked, or there are too many for order:; INTERRUPTED where they are not meant
 */
export async function agreeOnSize(plan: Plan, yes: boolean, talk: SizeTalk, signal: AbortSignal) {
  const { points } = plan;
  const large = !yes && points.count > mostUnasked;
  const counted = await countTold(
    plan,
    talk,
    signal,
    large ? { most: mostUnasked, seconds: talk.patience } : {},
  );
  try {
    checkPlanSize(plan, yes, counted);
  } catch (error) {
    if (!(error instanceof GvaError) || !talk.ask) throw error;
    if (!(await talk.ask(`${error.message}.\nRun so many? [y/N] `, signal)))
      throw new GvaError('INTERRUPTED', 'the plan is not run', {
        exitCode: ExitCode.interrupted,
        cause: error,
      });
  }
  await countTold(plan, talk, signal, {});
  checkSortable(plan);
}

async function countTold(
  { points, name }: Plan,
  { stream, quiet }: SizeTalk,
  signal: AbortSignal,
  limits: { readonly most?: bigint; readonly seconds?: number },
): Promise<bigint> {
  using line = new StatusLine(stream);
  let next = performance.now() / 1000 + quickCount;
  const onCount = (count: number) => {
    const now = performance.now() / 1000;
    if (quiet || now < next) return;
    const text = `counting the points of ${name}: ${grouped(BigInt(count))} so far`;
    if (line.live) line.show(text);
    else line.print(text);
    next = now + (line.live ? 0.25 : linePause);
  };
  return await countPoints(points, signal, { ...limits, onCount });
}
