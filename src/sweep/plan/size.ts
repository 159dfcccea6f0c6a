import { GvaError } from '../../system/errors.js';
import type { Plan } from './plan.js';

/** Points that a sweep runs without being asked twice. */
export const mostUnasked = 1_000_000n;

/**
 * A plan of very many points is more often a slip than meant.
 *
 * @param yes it is meant
 * @param counted points that were found, where the counting was not done to its end
 * @throws GvaError PLAN_TOO_LARGE with the number
 */
export function checkPlanSize(
  { name, points, factors }: Pick<Plan, 'name' | 'points' | 'factors'>,
  yes: boolean,
  counted = 0n,
): void {
  const { count, exact } = points;
  if (yes || count <= mostUnasked) return;
  const parts = factors
    .filter(({ size }) => size > 1n)
    .map((factor) => `${factor.names.join(', ')} ${grouped(factor.size)}`);
  const found = counted > 0n && !exact ? `, ${grouped(counted)} of which were counted` : '';
  throw new GvaError(
    'PLAN_TOO_LARGE',
    `the plan ${name} has ${exact ? '' : 'up to '}${grouped(count)} points (${parts.join(' × ')})${found}: more than ` +
      `${grouped(mostUnasked)} are run only with --yes`,
    { hint: 'gva plan FILE --head 20 shows what they are. Make the steps larger, or say --yes.' },
  );
}

/** 4,000,000, or "about 10^20". */
export const grouped = (count: bigint): string =>
  count < 10n ** 15n ? count.toLocaleString('en-US') : `about 10^${String(count).length - 1}`;
