import { databaseCode } from '../../system/database.js';
import { ExitCode, GvaError, messageOf } from '../../system/errors.js';

// What SQLite says that people are told of.

/**
 * @throws GvaError ENOSPC where there is no room, STORE_IO where the host refuses otherwise, STORE_DAMAGED: nothing was
 *   changed
 */
export function written(work: () => unknown): void {
  try {
    work();
  } catch (error) {
    throw isFull(error) ? noRoom(error) : told(error);
  }
}

/** @throws GvaError STORE_IO where the host refuses, STORE_DAMAGED */
export function read<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw told(error);
  }
}

/** What is said of a store that cannot be opened. */
export function unopened(file: string, error: unknown): unknown {
  if (error instanceof GvaError) return error;
  if (isFull(error)) return noRoom(error);
  return isRefused(error) || isDamaged(error) ? told(error) : unreadable(file, error);
}

const told = (error: unknown) =>
  isRefused(error) ? refused(error) : isDamaged(error) ? damaged(error) : error;

const isFull = (error: unknown) => databaseCode(error) === 'SQLITE_FULL';

/** Reading and writing files, and opening them again (https://sqlite.org/rescode.html). */
const isRefused = (error: unknown) =>
  /^(?:SQLITE_(?:IOERR|CANTOPEN|READONLY|NOMEM)|E[MN]FILE$)/.test(databaseCode(error));

/** What SQLite has read is not what it wrote. */
const isDamaged = (error: unknown) => /^SQLITE_(CORRUPT|NOTADB)/.test(databaseCode(error));

/** SQLite says it, whatever it is. */
export const isOfDatabase = (error: unknown) => databaseCode(error).startsWith('SQLITE_');

export const damaged = (error: unknown) =>
  new GvaError('STORE_DAMAGED', `the store of the sweep is damaged: ${messageOf(error)}`, {
    exitCode: ExitCode.infrastructure,
    hint: 'What is done is kept: the same command makes the store anew from the result files, as gva sweep rebuild does.',
    cause: error,
  });

const refused = (error: unknown) =>
  new GvaError('STORE_IO', `the host refuses the store of the sweep: ${messageOf(error)}`, {
    exitCode: ExitCode.infrastructure,
    hint: 'What is done is kept: the same command goes on from there.',
    cause: error,
  });

const noRoom = (error: unknown) =>
  new GvaError('ENOSPC', `the store of the sweep cannot be written: ${messageOf(error)}`, {
    exitCode: ExitCode.infrastructure,
    hint: 'Make room on the disk of the sweep. What is done is kept: the same command goes on from there.',
    cause: error,
  });

const unreadable = (file: string, error: unknown) =>
  new GvaError('STORE_UNREADABLE', `the store ${file} cannot be read: ${messageOf(error)}`, {
    exitCode: ExitCode.infrastructure,
    hint: 'It was left as it is. Make it anew from the result files: gva sweep rebuild DIR',
    cause: error,
  });
