import type Database from 'libsql';
import { distributionOf } from '../../model/base.js';
import type { FoundBase } from './scan.js';

/** Of the tables below; a catalogue of another version is made anew. */
export const catalogueVersion = 2;

/** "GVAc": what file(1) and SQLite's own tools see of whose database it is. */
const applicationId = 0x47564163;

/**
 * `packages` is clustered by package: those that have one lie side by side. `bases_by_rank` has all that a search asks of a
 * base itself, in the order in which they are found: a row of `bases` is read only for what fits.
 */
const tables = `
  CREATE TABLE names (name TEXT PRIMARY KEY, stamp TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE bases (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    mark TEXT NOT NULL,
    current INTEGER NOT NULL,
    size INTEGER NOT NULL,
    built_at INTEGER NOT NULL,
    problem TEXT,
    os TEXT,
    distribution TEXT,
    version TEXT,
    codename TEXT,
    arch TEXT,
    package_count INTEGER,
    manifest TEXT
  ) STRICT;
  CREATE INDEX bases_by_name ON bases (name, mark);
  CREATE INDEX bases_by_rank ON bases
    (package_count, size, built_at DESC, name, mark, os, distribution, version, codename, arch)
    WHERE current = 1 AND problem IS NULL;
  CREATE TABLE package_names (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
  CREATE TABLE packages (
    package INTEGER NOT NULL,
    base INTEGER NOT NULL,
    version TEXT NOT NULL,
    PRIMARY KEY (package, base)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
  PRAGMA application_id = ${applicationId};
  PRAGMA user_version = ${catalogueVersion};
`;

export function makeTables(database: Database.Database): void {
  database.exec(tables);
}

export function isCatalogue(database: Database.Database): boolean {
  const read = (name: string) =>
    Object.values(database.prepare(`PRAGMA ${name}`).get() as object)[0] as number;
  return read('application_id') === applicationId && read('user_version') === catalogueVersion;
}

/** Puts bases in and takes them out, within a transaction of the caller's. */
export class CatalogueWriter {
  readonly #database: Database.Database;
  readonly #packageIds: Map<string, number>;

  constructor(database: Database.Database) {
    this.#database = database;
    const rows = database.prepare('SELECT id, name FROM package_names').all() as {
      id: number;
      name: string;
    }[];
    this.#packageIds = new Map(rows.map(({ id, name }) => [name, id]));
  }

  removeName(name: string): void {
    const bases = 'SELECT id FROM bases WHERE name = ?';
    this.#database.prepare(`DELETE FROM packages WHERE base IN (${bases})`).run(name);
    this.#database.prepare('DELETE FROM bases WHERE name = ?').run(name);
    this.#database.prepare('DELETE FROM names WHERE name = ?').run(name);
  }

  addName(name: string, stamp: string, bases: readonly FoundBase[]): void {
    this.#run('INSERT INTO names VALUES (?, ?)', name, stamp);
    for (const base of bases) this.#addBase(base);
  }

  setFact(name: string, value: string): void {
    this.#run('INSERT OR REPLACE INTO facts VALUES (?, ?)', name, value);
  }

  #addBase({ name, mark, current, size, builtAt, problem, manifest }: FoundBase): void {
    const { packages = {}, os = null, arch = null, ...rest } = manifest ?? {};
    const distribution = manifest && distributionOf(manifest);
    const { id: distributionId = null, version = null, codename = null } = distribution ?? {};
    const described = manifest ? JSON.stringify({ ...rest, os, arch, distribution }) : null;
    const { lastInsertRowid } = this.#run(
      'INSERT INTO bases VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
      ...[name, mark, Number(current), size, Math.round(builtAt), problem ?? null],
      ...[os, distributionId, version, codename, arch, Object.keys(packages).length, described],
    );
    for (const [each, packageVersion] of Object.entries(packages))
      this.#run('INSERT INTO packages VALUES (?, ?, ?)', this.#idOf(each), lastInsertRowid, packageVersion);
  }

  #idOf(name: string): number {
    const known = this.#packageIds.get(name);
    if (known !== undefined) return known;
    const id = Number(this.#run('INSERT INTO package_names VALUES (NULL, ?)', name).lastInsertRowid);
    this.#packageIds.set(name, id);
    return id;
  }

  readonly #statements = new Map<string, Database.Statement>();
  #run(sql: string, ...values: unknown[]): Database.RunResult {
    let statement = this.#statements.get(sql);
    if (!statement) this.#statements.set(sql, (statement = this.#database.prepare(sql)));
    return statement.run(...values);
  }
}
