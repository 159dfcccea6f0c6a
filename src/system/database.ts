import { closeSync, openSync } from 'node:fs';
import Database from 'libsql';
import { errnoOf } from './errors.js';

/** Descriptors that libsql opens for one database, its runtime's among them, and some that are left to all else. */
const wanted = 12;

/**
 * Opens a database of SQLite. Where libsql cannot have the descriptors that it wants it ends the whole process (tokio panics):
 * they are asked for before.
 *
 * @throws Error EMFILE, ENFILE; what SQLite says, with its code
 */
export function newDatabase(file: string, options: Database.Options = {}): Database.Database {
  const descriptors: number[] = [];
  try {
    while (descriptors.length < wanted) descriptors.push(openSync('/dev/null', 'r'));
  } finally {
    for (const each of descriptors) closeSync(each);
  }
  return new Database(file, options);
}

/** The primary result codes of SQLite that say what is wrong with a file (https://sqlite.org/rescode.html). */
const primary: Readonly<Record<number, string>> = {
  ...{ 5: 'SQLITE_BUSY', 7: 'SQLITE_NOMEM', 8: 'SQLITE_READONLY', 10: 'SQLITE_IOERR', 11: 'SQLITE_CORRUPT' },
  ...{ 13: 'SQLITE_FULL', 14: 'SQLITE_CANTOPEN', 26: 'SQLITE_NOTADB' },
};

/** What SQLite, or the host, calls an error. Of extended codes that libsql has no name for, it is the primary one's. */
export function databaseCode(error: unknown): string {
  const code = errnoOf(error) ?? '';
  const [, number] = /^UNKNOWN_SQLITE_ERROR_(\d+)$/.exec(code) ?? [];
  return number === undefined ? code : (primary[Number(number) & 0xff] ?? 'SQLITE_ERROR');
}
