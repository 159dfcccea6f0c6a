import { closeSync, openSync } from 'node:fs';
import Database from 'libsql';

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
