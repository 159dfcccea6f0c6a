import { z } from 'zod';
import { instanceIdentity } from '../instance/identity.js';
import type { InstanceResult } from '../model/result.js';
import type { Point, PointOutcome } from '../model/sweep.js';

const moment = z.number().nullable();

/** What a sweep needs of a result.json. */
const schema = z.looseObject({
  format: z.literal('gva-result/1'),
  identity: z.string(),
  state: z.enum(['done', 'failed', 'lost']),
  cause: z.string().exactOptional(),
  message: z.string().exactOptional(),
  scripts: z.array(z.looseObject({ status: z.number().nullable() })),
  startedAt: z.string().exactOptional(),
  times: z.looseObject({
    ...{ staged: moment, booted: moment, ready: moment, scriptsStarted: moment },
    ...{ scriptsEnded: moment, poweredOff: moment, collected: moment },
  }),
});

/** The identity of a point's work; see `instanceIdentity()`. */
export type IdentityOf = (point: Point) => Promise<string>;

export function identityOf(
  applianceDigest: string,
  baseDigest: string,
  filesOf: (point: Point) => Promise<Parameters<typeof instanceIdentity>[3]>,
): IdentityOf {
  return async (point) =>
    instanceIdentity(applianceDigest, baseDigest, point.parameters, await filesOf(point));
}

export type KnownResult = z.output<typeof schema>;

/** Undefined where the text is no result.json that this version can read. */
export function parseResult(text: string): KnownResult | undefined {
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

type OutcomeSource = Pick<InstanceResult, 'state' | 'times'> & {
  readonly cause?: string;
  readonly message?: string;
  readonly startedAt?: string;
  readonly scripts: readonly { readonly status: number | null }[];
};

export function outcomeOf({ state, cause, message, scripts, times, startedAt }: OutcomeSource): PointOutcome {
  const failed = scripts.find(({ status }) => status !== 0);
  const known = scripts.length > 0;
  return {
    state,
    ...(cause === undefined ? {} : { cause }),
    ...(message === undefined ? {} : { message }),
    status: failed ? failed.status : known ? 0 : null,
    times,
    ...(startedAt === undefined ? {} : { startedAt }),
  };
}
