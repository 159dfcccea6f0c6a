import { ExitCode, GvaError, errnoOf, messageOf } from '../../system/errors.js';

// What SQLite says that people are told of.

/** @throws GvaError ENOSPC where there is no room, STORE_IO where the host refuses otherwise: nothing was changed */
export function written(work: () => unknown): void {
  try {
    work();
  } catch (error) {
    throw isFull(error) ? noRoom(error) : isRefused(error) ? refused(error) : error;
  }
}

/** @throws GvaError STORE_IO where the host refuses */
export function read<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw isRefused(error) ? refused(error) : error;
  }
}

export const isFull = (error: unknown) => errnoOf(error) === 'SQLITE_FULL';

/** Reading and writing files, and opening them again (https://sqlite.org/rescode.html). */
export const isRefused = (error: unknown) =>
  /^SQLITE_(IOERR|CANTOPEN|READONLY|NOMEM)/.test(errnoOf(error) ?? '');

/** SQLite says it, whatever it is. */
export const isOfDatabase = (error: unknown) => errnoOf(error)?.startsWith('SQLITE_') === true;

const refused = (error: unknown) =>
  new GvaError('STORE_IO', `the host refuses the store of the sweep: ${messageOf(error)}`, {
    exitCode: ExitCode.infrastructure,
    hint: 'What is done is kept: the same command goes on from there.',
    cause: error,
  });

export const noRoom = (error: unknown) =>
  new GvaError('ENOSPC', `the store of the sweep cannot be written: ${messageOf(error)}`, {
    exitCode: ExitCode.infrastructure,
    hint: 'Make room on the disk of the sweep. What is done is kept: the same command goes on from there.',
    cause: error,
  });

export const unreadable = (file: string, error: unknown) =>
  new GvaError('STORE_UNREADABLE', `the store ${file} cannot be read: ${messageOf(error)}`, {
    exitCode: ExitCode.infrastructure,
    hint: 'It was left as it is. Make it anew from the result files: gva sweep rebuild DIR',
    cause: error,
  });
