import { ExitCode, GvaError, errnoOf, messageOf } from '../../system/errors.js';

/** Why a worker cannot go on, and whether another node may fare better. */
export class Trouble extends GvaError {
  readonly avoidNode: boolean;

  constructor(
    code: string,
    message: string,
    { avoidNode, cause, hint }: { avoidNode: boolean; cause?: unknown; hint?: string },
  ) {
    super(code, message, {
      exitCode: ExitCode.infrastructure,
      cause,
      ...(hint === undefined ? {} : { hint }),
    });
    this.avoidNode = avoidNode;
  }
}

/** That the folder of the sweep fails this node (SHARED_FOLDER, SHARED_FOLDER_FULL). One that is full, or lacks a file, does so on every node. */
export function sharedFolderTrouble(message: string, cause: unknown): Trouble {
  const errno = errnoOf(cause) ?? '';
  const full = ['ENOSPC', 'EDQUOT'].includes(errno);
  const code = full ? 'SHARED_FOLDER_FULL' : 'SHARED_FOLDER';
  const avoidNode = !full && errno !== 'ENOENT';
  return new Trouble(code, `${message}: ${messageOf(cause)}`, { avoidNode, cause });
}

/**
 * @param avoidNode whether another node may fare better, where the error does not tell
 * @throws what is a bug
 */
export function asTrouble(error: unknown, avoidNode = false): Trouble {
  if (error instanceof Trouble) return error;
  if (error instanceof GvaError)
    return new Trouble(error.code, error.message, {
      avoidNode,
      cause: error,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
  const errno = errnoOf(error);
  if (errno === undefined || !/^E[A-Z0-9]+$/.test(errno)) throw error;
  return new Trouble(errno, messageOf(error), { avoidNode, cause: error });
}
