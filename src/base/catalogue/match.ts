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

interface Query {
  /** Begins with AND, unless it is empty. */
  readonly condition: string;
  readonly values: readonly unknown[];
}

/** A condition on rows of `bases` that holds for those that have all that is required. */
export function matchQuery(database: Database.Database, requirements: BaseRequirements): Query {
  const clauses = clausesOf(database, requirements);
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
}

function clausesOf(database: Database.Database, { os, arch, packages = [] }: BaseRequirements): Clause[] {
  return [
    ...(os === undefined ? [] : [osClause(os)]),
    ...(arch === undefined ? [] : [{ text: arch, sql: 'arch = ?', values: [arch], has: 'arch' as const }]),
    ...packages.map((each) => packageClause(database, each)),
  ];
}

function osClause(os: string): Clause {
  const [id, version] = os.split(':');
  const family = operatingSystems.some((each) => each === id) && version === undefined;
  if (family) return { text: os, sql: 'os = ?', values: [id], has: 'os' };
  if (version === undefined) return { text: os, sql: 'distribution = ?', values: [id], has: 'os' };
  const release = '(version = ? OR codename = ?)';
  return { text: os, sql: `distribution = ? AND ${release}`, values: [id, version, version], has: 'os' };
}

function packageClause(database: Database.Database, wanted: PackageRequirement): Clause {
  const { name, relation, version } = wanted;
  const known = database.prepare('SELECT id FROM package_names WHERE name = ?').get(name);
  const id = (known as { id: number } | undefined)?.id ?? -1;
  const text = packageText(wanted);
  const sql = 'id IN (SELECT base FROM packages WHERE package = ?';
  if (relation === undefined || version === undefined)
    return { text, sql: `${sql})`, values: [id], package: id };
  const rows = database.prepare('SELECT DISTINCT version FROM packages WHERE package = ?').all(id);
  const fitting = (rows as { version: string }[])
    .map((row) => row.version)
    .filter((each) => versionSatisfies(each, relation, version));
  // As one value: there may be more of them than SQLite takes.
  const versions = 'version IN (SELECT value FROM json_each(?))';
  return { text, sql: `${sql} AND ${versions})`, values: [id, JSON.stringify(fitting)], package: id };
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
      `SELECT id, name, mark, os, distribution, version, arch FROM bases
       WHERE current = 1 AND problem IS NULL
       ORDER BY ${sum} DESC, package_count, size, built_at DESC, name LIMIT ?`,
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
