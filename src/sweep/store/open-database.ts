import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type Database from 'libsql';
import { databaseCode, newDatabase } from '../../system/database.js';
import { temporarySibling } from '../../system/files.js';

/**
 * Opens a database that is this process's alone: it has the folder's lock, by which alone others are kept out where the file
 * system has no locks of its own (NFS without its lock service, some of FUSE).
 */
export function openDatabase(file: string): Database.Database {
  try {
    return openExclusively(file);
  } catch (error) {
    // SQLite says the same of a lock that somebody has and of one that cannot be had at all.
    if (!isBusy(error) || hasLocks(file)) throw error;
    return openExclusively(`${pathToFileURL(file).href}?vfs=unix-none`);
  }
}

const isBusy = (error: unknown) => databaseCode(error).startsWith('SQLITE_BUSY');

/** Nobody else may open it, so that nothing is shared but the file: SQLite's WAL needs shared memory otherwise. */
function openExclusively(name: string): Database.Database {
  const database = newDatabase(name);
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Whether a file near that one, of which nobody else knows, can be locked. */
function hasLocks(file: string): boolean {
  const folder = temporarySibling(file);
  try {
    mkdirSync(folder);
    openExclusively(join(folder, 'probe')).close();
    return true;
  } catch (error) {
    return !isBusy(error);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
