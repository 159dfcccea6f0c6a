import type Database from 'libsql';
import { type BaseRequirements, type PackageRequirement, packageText } from '../../model/base-wish.js';
import { operatingSystems } from '../../model/base.js';
import { versionSatisfies } from '../debian-version.js';

/** What a base lacks of what is required. */
export interface Shortcoming {
  readonly name: string;
  readonly mark: string;
  /** Each as a person would say it: `r-base-core`, `python3 (>= 3.11), has 3.9.2-3`, `aarch64, is x86_64`. */
  readonly lacks: readonly string[];
}

/** Of the bases that may be found. The index is named: by any other, SQLite would sort. */
export const usable = 'bases INDEXED BY bases_by_rank WHERE current = 1 AND problem IS NULL';

/** The order in which bases are found. */
export const ranked = 'package_count, size, built_at DESC, name, mark';

interface Query {
  /** Begins with AND, unless it is empty. */
  readonly condition: string;
  readonly values: readonly unknown[];
}

/** A condition on rows of `bases` that holds for those that have all that is required; undefined where none can. */
export function matchQuery(database: Database.Database, requirements: BaseRequirements): Query | undefined {
  // What the fewest have is asked for first: of most bases nothing else is looked at.
  const clauses = clausesOf(database, requirements).sort((one, other) => one.most - other.most);
  if (clauses[0]?.most === 0) return undefined;
  return {
    condition: clauses.map(({ sql }) => ` AND ${sql}`).join(''),
    values: clauses.flatMap(({ values }) => values),
  };
}

interface Clause {
  /** What it asks for, for people. */
  readonly text: string;
  readonly sql: string;
  readonly values: readonly unknown[];
  /** Column of `bases` with what a base has instead. */
  readonly has?: 'os' | 'arch';
  readonly package?: number;
  /** No more bases than these fulfil it. */
  readonly most: number;
}

function clausesOf(database: Database.Database, { os, arch, packages = [] }: BaseRequirements): Clause[] {
  return [
    ...(os === undefined ? [] : [columnClause('os', os, osCondition(os))]),
    ...(arch === undefined ? [] : [columnClause('arch', arch, { sql: 'arch = ?', values: [arch] })]),
    ...packages.map((each) => packageClause(database, each)),
  ];
}

/** Columns of the index by which all bases are read: to ask for them costs less than to look for a package. */
const columnClause = (
  has: 'os' | 'arch',
  text: string,
  condition: Pick<Clause, 'sql' | 'values'>,
): Clause => ({
  ...{ text, has, most: 1 },
  ...condition,
});

function osCondition(os: string): Pick<Clause, 'sql' | 'values'> {
  const [id, version] = os.split(':');
  const family = operatingSystems.some((each) => each === id) && version === undefined;
  if (family) return { sql: 'os = ?', values: [id] };
  if (version === undefined) return { sql: 'distribution = ?', values: [id] };
  return { sql: 'distribution = ? AND (version = ? OR codename = ?)', values: [id, version, version] };
}

function packageClause(database: Database.Database, wanted: PackageRequirement): Clause {
  const { name, relation, version } = wanted;
  const known = database.prepare('SELECT id FROM package_names WHERE name = ?').get(name);
  const id = (known as { id: number } | undefined)?.id ?? -1;
  const counted = database.prepare('SELECT count(*) AS most FROM packages WHERE package = ?').get(id);
  const { most } = counted as { most: number };
  const clause = { text: packageText(wanted), package: id, most };
  const one = 'SELECT 1 FROM packages WHERE package = ? AND base = bases.id';
  if (relation === undefined || version === undefined)
    return { ...clause, sql: `EXISTS (${one})`, values: [id] };
  const rows = database.prepare('SELECT DISTINCT version FROM packages WHERE package = ?').all(id);
  const fitting = (rows as { version: string }[])
    .map((row) => row.version)
    .filter((each) => versionSatisfies(each, relation, version));
  // As one value: there may be more of them than SQLite takes.
  const sql = `EXISTS (${one} AND version IN (SELECT value FROM json_each(?)))`;
  return { ...clause, sql, values: [id, JSON.stringify(fitting)], ...(fitting.length === 0 && { most: 0 }) };
}

/** Of the current bases, those that lack least, the best first; no more than `limit`. */
export function shortcomingsOf(
  database: Database.Database,
  requirements: BaseRequirements,
  limit: number,
): Shortcoming[] {
  const clauses = clausesOf(database, requirements);
  if (clauses.length === 0) return [];
  const sum = clauses.map(({ sql }) => `(${sql})`).join(' + ');
  const rows = database
    .prepare(
      `SELECT id, name, mark, os, distribution, version, arch FROM ${usable} ORDER BY ${sum} DESC, ${ranked} LIMIT ?`,
    )
    .all(...clauses.flatMap(({ values }) => values), limit) as CandidateRow[];
  return rows.map((row) => ({
    ...{ name: row.name, mark: row.mark },
    lacks: clauses.flatMap((clause) => lackOf(database, clause, row)),
  }));
}

interface CandidateRow {
  readonly id: number;
  readonly name: string;
  readonly mark: string;
  readonly os: string;
  readonly distribution: string | null;
  readonly version: string | null;
  readonly arch: string;
}

function lackOf(database: Database.Database, clause: Clause, row: CandidateRow): string[] {
  const { text, sql, values, has } = clause;
  const holds = database.prepare(`SELECT 1 FROM bases WHERE id = ? AND ${sql}`).get(row.id, ...values);
  if (holds !== undefined) return [];
  if (has === 'arch') return [`${text}, is ${row.arch}`];
  if (has === 'os') {
    const { os, distribution, version } = row;
    const release = distribution === null ? os : [distribution, version].filter(Boolean).join(':');
    return [`${text}, is ${release}`];
  }
  const found = database
    .prepare('SELECT version FROM packages WHERE package = ? AND base = ?')
    .get(clause.package, row.id) as { version: string } | undefined;
  return [found === undefined ? text : `${text}, has ${found.version}`];
}
