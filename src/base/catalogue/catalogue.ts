import { constants, copyFileSync, existsSync, renameSync } from 'node:fs';
import type Database from 'libsql';
import type { BaseManifest } from '../../model/base.js';
import type { BaseRequirements } from '../../model/base-wish.js';
import { databaseCode, newDatabase } from '../../system/database.js';
import { errnoOf, messageOf } from '../../system/errors.js';
import { ensureFolder, publishFile } from '../../system/files.js';
import { basesFolder, catalogueFile, dataFolder } from '../../system/paths.js';
import { type Shortcoming, matchQuery, ranked, shortcomingsOf, usable } from './match.js';
import { findBases, nameStamps, quickStamp } from './scan.js';
import { CatalogueWriter, isCatalogue, makeTables } from './schema.js';

/** A base as the catalogue knows it. */
export interface BaseEntry {
  readonly name: string;
  /** Absolute. */
  readonly folder: string;
  /** The first 16 digits of its digest. */
  readonly mark: string;
  /** It is the one that its name stands for; others are of before. */
  readonly current: boolean;
  /** Bytes on the disk. */
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly builtAt: number;
  readonly packageCount: number;
  /** All but the packages; undefined where the base cannot be used, and `problem` says why. */
  readonly manifest?: Omit<BaseManifest, 'packages'> | undefined;
  readonly problem?: string;
}

/** What bases there are, as `readCatalogue()` gives it. */
export class Catalogue implements Disposable {
  readonly #database: Database.Database;

  constructor(database: Database.Database) {
    this.#database = database;
  }

  /** In the order of their names, of one name the current one first. @param all those of before, too */
  list(all = false): BaseEntry[] {
    const condition = all ? '' : 'WHERE current = 1 OR problem IS NOT NULL';
    return this.#rows(`SELECT ${columns} FROM bases ${condition} ORDER BY name, current DESC, built_at DESC`);
  }

  /** All of one name, the current one first. */
  named(name: string): BaseEntry[] {
    const order = 'ORDER BY current DESC, built_at DESC';
    return this.#rows(`SELECT ${columns} FROM bases WHERE name = ? ${order}`, name);
  }

  /**
   * Bases that have all that is required, the best first: the one with the fewest packages, of two the smaller on the disk,
   * then the newer, then by name. Only what a name stands for counts, no base of before.
   */
  find(requirements: BaseRequirements, limit = -1): BaseEntry[] {
    const query = matchQuery(this.#database, requirements);
    if (!query) return [];
    const sql = `SELECT ${columns} FROM ${usable}${query.condition} ORDER BY ${ranked} LIMIT ?`;
    return this.#rows(sql, ...query.values, limit);
  }

  /** What the bases that come nearest lack. */
  shortcomings(requirements: BaseRequirements, limit: number): Shortcoming[] {
    return shortcomingsOf(this.#database, requirements, limit);
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }

  #rows(sql: string, ...values: unknown[]): BaseEntry[] {
    const home = basesFolder();
    // As arrays: of thousands of rows, objects take a tenth more of the time.
    const rows = this.#database
      .prepare(sql)
      .raw()
      .all(...values) as Row[];
    return rows.map((row) => new CataloguedBase(row, home));
  }
}

const columns = 'name, mark, current, size, built_at, problem, package_count, manifest';

type Row = readonly [
  name: string,
  mark: string,
  current: number,
  size: number,
  builtAt: number,
  problem: string | null,
  packageCount: number,
  manifest: string | null,
];

/** The description of a base is read when somebody asks for it: most of many are not looked at. */
class CataloguedBase implements BaseEntry {
  readonly name: string;
  readonly folder: string;
  readonly mark: string;
  readonly current: boolean;
  readonly size: number;
  readonly builtAt: number;
  readonly packageCount: number;
  readonly problem?: string;
  readonly #manifest: string | null;

  constructor([name, mark, current, size, builtAt, problem, packageCount, manifest]: Row, home: string) {
    this.name = name;
    this.folder = `${home}/${name}/${mark}`;
    this.mark = mark;
    this.current = current === 1;
    this.size = size;
    this.builtAt = builtAt;
    this.packageCount = packageCount;
    if (problem !== null) this.problem = problem;
    this.#manifest = manifest;
  }

  get manifest() {
    if (this.#manifest === null) return undefined;
    return JSON.parse(this.#manifest) as Omit<BaseManifest, 'packages'>;
  }
}

/**
 * Reads the catalogue of bases: SQLite, and nothing but an index of the folders of bases, brought up to date before it is read
 * and made anew from them at any time. Its file is never changed in place: a changed one takes its place by a rename, so that
 * readers need no lock, on any file system, and a killed process leaves nothing half-made. One that is damaged is moved aside;
 * where it cannot be written, the index is in memory.
 *
 * @param thorough also sees what came or went in the folders of bases by hand: a look at each folder, where else one at
 *   their common folder does
 * @param say told, in a sentence, what was wrong
 * @param work may be called a second time
 */
export async function readCatalogue<T>(
  thorough: boolean,
  say: (text: string) => void,
  work: (catalogue: Catalogue) => T,
): Promise<T> {
  for (const attempt of [1, 2])
    try {
      using catalogue = new Catalogue(await openUpToDate(thorough));
      return work(catalogue);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      if (attempt === 1 && movedAside(error, say)) continue;
      say(`the catalogue of bases cannot be used (${messageOf(error)}): their folders are read instead`);
      break;
    }
  using catalogue = new Catalogue(inMemory());
  return work(catalogue);
}

/** What a file system or SQLite says; all else is a bug. */
const isRefusal = (error: unknown) => errnoOf(error) !== undefined;

/** What is wrong with the file itself, and not with the place where it is. */
const damage: ReadonlySet<string> = new Set(['SQLITE_CORRUPT', 'SQLITE_NOTADB', 'SQLITE_ERROR']);

function movedAside(error: unknown, say: (text: string) => void): boolean {
  if (!damage.has(databaseCode(error))) return false;
  const aside = `${catalogueFile()}.${Date.now()}.old`;
  try {
    renameSync(catalogueFile(), aside);
  } catch {
    return false;
  }
  say(`the catalogue of bases was damaged (${messageOf(error)}): it is now ${aside}, and was made anew`);
  return true;
}

async function openUpToDate(thorough: boolean): Promise<Database.Database> {
  const file = catalogueFile();
  if (existsSync(file)) {
    const database = newDatabase(file, { readonly: true });
    if (isCatalogue(database) && isUpToDate(database, thorough)) return database;
    database.close();
  }
  await ensureFolder(dataFolder());
  await publishFile(file, (temporary) => {
    writeUpdated(file, temporary);
    return Promise.resolve();
  });
  return newDatabase(file, { readonly: true });
}

function inMemory(): Database.Database {
  const database = newDatabase(':memory:');
  makeTables(database);
  update(database);
  return database;
}

function isUpToDate(database: Database.Database, thorough: boolean): boolean {
  const fact = database.prepare("SELECT value FROM facts WHERE name = 'stamp'").get();
  const stamp = (fact as { value: string } | undefined)?.value ?? '';
  if (stamp === '' || stamp !== quickStamp()) return false;
  if (!thorough) return true;
  const known = knownStamps(database);
  const found = nameStamps();
  return (
    known.size === found.size && [...found].every(([name, each]) => each !== '' && known.get(name) === each)
  );
}

function knownStamps(database: Database.Database): Map<string, string> {
  const rows = database.prepare('SELECT name, stamp FROM names').all() as { name: string; stamp: string }[];
  return new Map(rows.map(({ name, stamp }) => [name, stamp]));
}

function writeUpdated(file: string, temporary: string): void {
  const database = copied(file, temporary);
  try {
    // Nobody else knows the file, and it is thrown away if this fails.
    database.exec('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF');
    update(database);
  } finally {
    database.close();
  }
}

function copied(file: string, temporary: string): Database.Database {
  if (existsSync(file)) {
    copyFileSync(file, temporary, constants.COPYFILE_FICLONE);
    const database = newDatabase(temporary);
    if (isCatalogue(database)) return database;
    database.close();
    copyFileSync('/dev/null', temporary);
  }
  const database = newDatabase(temporary);
  database.transaction(() => makeTables(database))();
  return database;
}

function update(database: Database.Database): void {
  // Before the folders are read: what changes meanwhile is seen the next time.
  const stamp = quickStamp();
  const [known, found] = [knownStamps(database), nameStamps()];
  const changed = [...found].filter(([name, each]) => each === '' || known.get(name) !== each);
  const gone = [...known.keys()].filter((name) => !found.has(name));
  database.transaction(() => {
    const writer = new CatalogueWriter(database);
    for (const name of [...gone, ...changed.map(([name]) => name)])
      if (known.has(name)) writer.removeName(name);
    for (const [name, each] of changed) writer.addName(name, each, findBases(name));
    writer.setFact('stamp', stamp);
  })();
}
