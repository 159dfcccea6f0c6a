import type Database from 'libsql';

/** Of the tables below; a store of another version is refused, and can be made anew from the result files. */
export const storeVersion = 1;

/** "GVAs": what file(1) and SQLite's own tools see of whose database it is. */
const applicationId = 0x47564173;

/** States as they are kept; their order is part of the format. */
export const storedStates = ['staged', 'running', 'done', 'failed', 'lost', 'cancelled'] as const;
export type StoredState = (typeof storedStates)[number];

/** A point that has not been touched has no row: a plan of a million points costs nothing to begin with. */
const tables = `
  CREATE TABLE points (
    number INTEGER PRIMARY KEY,
    id BLOB NOT NULL,
    state INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    cause TEXT,
    message TEXT,
    status INTEGER,
    times TEXT,
    data TEXT
  ) STRICT;
  CREATE INDEX points_by_state ON points (state, number);
  CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
  PRAGMA application_id = ${applicationId};
  PRAGMA user_version = ${storeVersion};
`;

/** Makes the tables of a new store; false where the file is a store of another version, or none. */
export function prepareTables(database: Database.Database): boolean {
  const { user_version: version } = database.prepare('PRAGMA user_version').get() as { user_version: number };
  const { application_id: owner } = database.prepare('PRAGMA application_id').get() as {
    application_id: number;
  };
  const { count } = database.prepare('SELECT count(*) AS count FROM sqlite_master').get() as {
    count: number;
  };
  if (count > 0) return version === storeVersion && owner === applicationId;
  database.transaction(() => database.exec(tables))();
  return true;
}
