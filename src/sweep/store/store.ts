import { existsSync } from 'node:fs';
import type Database from 'libsql';
import type { PointCounts, PointOutcome } from '../../model/sweep.js';
import { damaged, isOfDatabase, read, unopened, written } from './failures.js';
import { openDatabase } from './open-database.js';
import {
  type PointEnd,
  type PointRecord,
  type PointWork,
  type Row,
  endOf,
  recordOf,
  rowOf,
  workOf,
} from './rows.js';
import { type StoredState, prepareTables, storedStates } from './schema.js';

/** Rows in memory at once: each may have 64 KiB of data. */
const pageLength = 100;

/**
 * How every point of a sweep stands: SQLite in the sweep's folder, with one owner, who has the folder's lock. It
 * is an index of the result files and can be made anew from them. A call returns when what it did would survive
 * a crash of the host.
 */
export class SweepStore implements Disposable {
  readonly #database: Database.Database;
  readonly #total: number;
  readonly #counts = new Map<StoredState, number>();
  readonly #get: Database.Statement;
  readonly #put: Database.Statement;
  /** No greater number has a record: points are first met in their order, and SQLite need not be asked for each. */
  #greatest = -1;
  /** Counts are made anew when all changes of `together()` are done. */
  #isCounting = false;

  private constructor(database: Database.Database, total: number) {
    this.#database = database;
    this.#total = total;
    this.#get = database.prepare('SELECT * FROM points WHERE number = ?');
    this.#put = database.prepare('INSERT OR REPLACE INTO points VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)');
    this.#count();
    const { greatest } = database.prepare('SELECT max(number) AS greatest FROM points').get() as {
      greatest: number | null;
    };
    this.#greatest = greatest ?? -1;
  }

  /**
   * @param total number of points of the plan
   * @throws GvaError STORE_DAMAGED where it is not what was written; STORE_IO where the host refuses it;
   *   STORE_UNREADABLE where it is of a later version or somebody else's: it is kept
   */
  static open(file: string, total: number): SweepStore {
    const isNew = !existsSync(file);
    let database: Database.Database | undefined;
    try {
      database = openDatabase(file);
      if (!isNew) checkIntegrity(database);
      if (!prepareTables(database)) throw new Error('it is not a store of this version of GVA');
      return new SweepStore(database, total);
    } catch (error) {
      database?.close();
      throw unopened(file, error);
    }
  }

  get counts(): PointCounts & { readonly active: number } {
    const of = (state: StoredState) => this.#counts.get(state) ?? 0;
    const [done, failed, lost] = [of('done'), of('failed'), of('lost')];
    const active = of('staged') + of('running');
    return { pending: Math.max(0, this.#total - done - failed - lost - active), done, failed, lost, active };
  }

  get(number: number): PointRecord | undefined {
    const row = this.#row(number);
    return row && recordOf(row);
  }

  #row(number: number): Row | undefined {
    if (number <= this.#greatest) return read(() => this.#get.get(number)) as Row | undefined;
    return undefined;
  }

  /** The point is about to be staged: the folder of its results is its worker's from now on. */
  stage(number: number, id: string): PointRecord {
    const before = this.get(number);
    const attempts = (before?.id === id ? before.attempts : 0) + 1;
    const record = { number, id, state: 'staged', attempts, status: null, times: null } as const;
    this.put(record);
    return record;
  }

  /** Its machine is about to be started. */
  run(number: number): void {
    const before = this.get(number);
    if (before) this.put({ ...before, state: 'running' });
  }

  /** It has ended; its result, where there is one, is on the disk. */
  end(number: number, outcome: PointOutcome, data?: PointRecord['data']): void {
    const before = this.get(number);
    if (!before) throw new Error(`point ${number} ends that was never staged`);
    const { id, attempts } = before;
    const { state, cause, message, status, times, startedAt } = outcome;
    this.put({
      ...{ number, id, attempts, state, status, times },
      ...(cause === undefined ? {} : { cause }),
      ...(message === undefined ? {} : { message }),
      ...(startedAt === undefined ? {} : { startedAt }),
      ...(data === undefined ? {} : { data }),
    });
  }

  put(record: PointRecord): void {
    const before = this.#isCounting ? undefined : this.#row(record.number);
    // Also where it is not written after all: then the database is asked in vain.
    this.#greatest = Math.max(this.#greatest, record.number);
    if (this.#isCounting) {
      this.#put.run(...rowOf(record));
      return;
    }
    written(() => this.#put.run(...rowOf(record)));
    if (before) this.#add(storedStates[before.state], -1);
    this.#add(record.state, 1);
  }

  /** Makes a point pending again. */
  forget(number: number): void {
    const before = this.#row(number);
    if (!before) return;
    const statement = this.#database.prepare('DELETE FROM points WHERE number = ?');
    written(() => statement.run(number));
    this.#add(storedStates[before.state], -1);
  }

  /** Many changes at once, all or none. What `counts` tells meanwhile is of before. */
  together(work: () => void): void {
    this.#isCounting = true;
    try {
      written(() => this.#transaction(work));
    } finally {
      this.#isCounting = false;
      this.#count();
    }
  }

  #transaction(work: () => void): void {
    this.#database.exec('BEGIN');
    try {
      work();
      this.#database.exec('COMMIT');
    } catch (error) {
      // After some failures SQLite has rolled it back already, and says that there is none.
      if (this.#database.inTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  /** Whose work stands at each point, in the order of their numbers: in a quarter of the time of the whole records. */
  *works(): Generator<PointWork> {
    for (const row of this.#pages<Pick<Row, 'number' | 'id' | 'state'>>('number, id, state'))
      yield workOf(row);
  }

  /** The numbers of the points in those states, in order. */
  *states(...states: StoredState[]): Generator<{ readonly number: number; readonly state: StoredState }> {
    const codes = states.map((state) => storedStates.indexOf(state));
    const chosen = `AND state IN (${codes.join(',')})`;
    for (const { number, state } of this.#pages<Pick<Row, 'number' | 'state'>>('number, state', chosen))
      yield { number, state: storedStates[state] ?? 'lost' };
  }

  /** What a table of results says of the points, in the order of their numbers: in half the time of `records()`. */
  *ends(): Generator<PointEnd> {
    const columns = 'number, state, attempts, cause, status, times, data';
    for (const row of this.#pages<Omit<Row, 'id' | 'message'>>(columns)) yield endOf(row);
  }

  /** What the programs left, in the order of the points' numbers; undefined for a point whose program left nothing. */
  *data(): Generator<PointRecord['data']> {
    for (const { data } of this.#pages<Pick<Row, 'number' | 'data'>>('number, data'))
      yield data === null ? undefined : (JSON.parse(data) as NonNullable<PointRecord['data']>);
  }

  /** In pages: nothing may be written while a statement is being read. */
  *#pages<R extends { readonly number: number }>(columns: string, condition = ''): Generator<R> {
    const page = this.#database.prepare(
      `SELECT ${columns} FROM points WHERE number > ? ${condition} ORDER BY number LIMIT ${pageLength}`,
    );
    for (let last = -1; ;) {
      const rows = read(() => page.all(last)) as R[];
      yield* rows;
      const end = rows.at(-1);
      if (!end || rows.length < pageLength) return;
      last = end.number;
    }
  }

  fact(name: string): string | undefined {
    const row = this.#database.prepare('SELECT value FROM facts WHERE name = ?').get(name);
    return (row as { value: string } | undefined)?.value;
  }

  setFact(name: string, value: string): void {
    const statement = this.#database.prepare('INSERT OR REPLACE INTO facts VALUES (?, ?)');
    written(() => statement.run(name, value));
  }

  [Symbol.dispose](): void {
    try {
      // One file is left, which may be copied. The lock would be held until the statements are collected.
      this.#database.exec('PRAGMA journal_mode = DELETE; PRAGMA locking_mode = NORMAL');
      this.#database.prepare('SELECT count(*) FROM facts').get();
    } catch (error) {
      // Then there are two files, which is as good for whoever opens it next, and looks at them. Of a read that the host refuses
      // SQLite may say here that the file is no database.
      if (!isOfDatabase(error)) throw error;
    } finally {
      this.#database.close();
    }
  }

  #count(): void {
    this.#counts.clear();
    const statement = this.#database.prepare('SELECT state, count(*) AS count FROM points GROUP BY state');
    const rows = read(() => statement.all());
    for (const { state, count } of rows as { state: number; count: number }[])
      this.#add(storedStates[state], count);
  }

  #add(state: StoredState | undefined, change: number): void {
    if (state !== undefined) this.#counts.set(state, (this.#counts.get(state) ?? 0) + change);
  }
}

function checkIntegrity(database: Database.Database): void {
  const [row] = database.prepare('PRAGMA integrity_check(1)').all() as { integrity_check: string }[];
  const said = row?.integrity_check ?? 'it cannot be checked';
  if (said !== 'ok') throw damaged(new Error(said));
}
