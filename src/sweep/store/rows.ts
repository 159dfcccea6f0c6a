import type { InstanceTimes } from '../../model/result.js';
import { type StoredState, storedStates } from './schema.js';

/** How a point stands. One without a record is pending. */
export interface PointRecord {
  readonly number: number;
  /** Digest of its work, as 64 hexadecimal digits: `instanceIdentity()`. */
  readonly id: string;
  readonly state: StoredState;
  /** Times that it was begun. */
  readonly attempts: number;
  readonly cause?: string;
  readonly message?: string;
  readonly status: number | null;
  readonly times: InstanceTimes | null;
  /** From when the times count: ISO 8601, UTC; earlier versions did not keep it. */
  readonly startedAt?: string;
  /** What the program left for the table of results. */
  readonly data?: Readonly<Record<string, unknown>>;
}

/** Whose work stands at a point, and how. */
export type PointWork = Pick<PointRecord, 'number' | 'id' | 'state'>;

/** What a table of results says of a point. */
export type PointEnd = Omit<PointRecord, 'id' | 'message'>;

/** Of the table `points`. */
export interface Row {
  readonly number: number;
  readonly id: ArrayBuffer;
  readonly state: number;
  readonly attempts: number;
  readonly cause: string | null;
  readonly message: string | null;
  readonly status: number | null;
  readonly times: string | null;
  readonly data: string | null;
}

export function recordOf(row: Row): PointRecord {
  const { id, message } = row;
  return {
    ...endOf(row),
    id: hexOf(id),
    ...(message === null ? {} : { message }),
  };
}

export const workOf = ({ number, id, state }: Pick<Row, 'number' | 'id' | 'state'>): PointWork => ({
  number,
  id: hexOf(id),
  state: storedStates[state] ?? 'lost',
});

const hexOf = (id: ArrayBuffer) => Buffer.from(id).toString('hex');

/** The times of a point as they are kept; with when it began, as there is one where the others are. */
type KeptTimes = InstanceTimes & { startedAt?: string };

/** Plainly put together, as it is done a million times. */
export function endOf(row: Omit<Row, 'id' | 'message'>): PointEnd {
  const { number, attempts, status } = row;
  const state = storedStates[row.state] ?? 'lost';
  const kept = row.times === null ? null : (JSON.parse(row.times) as KeptTimes);
  const end: { -readonly [Key in keyof PointEnd]: PointEnd[Key] } = {
    number,
    state,
    attempts,
    status,
    times: null,
  };
  if (kept) {
    // With one property less, and no copy.
    const { startedAt } = kept;
    delete kept.startedAt;
    end.times = kept;
    if (startedAt !== undefined) end.startedAt = startedAt;
  }
  if (row.cause !== null) end.cause = row.cause;
  if (row.data !== null) end.data = JSON.parse(row.data) as Record<string, unknown>;
  return end;
}

/** Values of the table's columns, in their order. */
export function rowOf(record: PointRecord): unknown[] {
  const {
    number,
    id,
    state,
    attempts,
    cause = null,
    message = null,
    status,
    times,
    data,
    startedAt,
  } = record;
  return [
    ...[number, Buffer.from(id, 'hex'), storedStates.indexOf(state), attempts, cause, message, status],
    times === null ? null : JSON.stringify(startedAt === undefined ? times : { ...times, startedAt }),
    data === undefined ? null : JSON.stringify(data),
  ];
}
