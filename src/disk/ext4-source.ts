import { access, constants, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, ExitCode, GvaError, messageOf } from '../system/errors.js';
import { formatSize } from '../system/units.js';

/**
 * Refuses what mke2fs would store although a guest has no use for it, or could not read.
 *
 * @throws GvaError EXT4_SOURCE naming the first device, socket or pipe, or the folder that cannot be read
 */
export async function checkSource(folder: string): Promise<void> {
  for (const entry of await entriesOf(folder)) {
    if (entry.isFile() || entry.isDirectory() || entry.isSymbolicLink()) continue;
    throw unstorable(
      join(entry.parentPath, entry.name),
      'it is neither a file nor a folder nor a symbolic link',
    );
  }
}

async function entriesOf(folder: string) {
  try {
    return await readdir(folder, { recursive: true, withFileTypes: true });
  } catch (error) {
    const path = error instanceof Error && 'path' in error ? String(error.path) : folder;
    throw unstorable(path, messageOf(error), error);
  }
}

function unstorable(path: string, why: string, cause?: unknown): GvaError {
  return new GvaError('EXT4_SOURCE', `cannot put ${path} on a disk: ${why}`, { cause });
}

/** The error for people behind a failure of mke2fs; any other error as it is. */
export async function sourceFailure(
  error: unknown,
  path: string,
  { from, size }: { from?: string; size: number },
): Promise<unknown> {
  if (errnoOf(error) === 'ENOSPC') return hostFull(path, error);
  if (!(error instanceof GvaError) || error.code !== 'TOOL_FAILED') return error;
  const { what, name } = reasonOf(error.message);
  const at = name === undefined ? '' : ` (at ${name})`;
  if (what === 'host full') return hostFull(path, error);
  if (what === 'image full') {
    const content = `the content of ${from ?? 'the disk'}`;
    return new GvaError('EXT4_FULL', `${content} does not fit into an image of ${formatSize(size)}${at}`, {
      cause: error,
    });
  }
  const unreadable = from === undefined ? undefined : await firstUnreadable(from);
  if (unreadable) return unstorable(unreadable.path, messageOf(unreadable.error), error);
  return name === undefined ? error : unstorable(name, error.message, error);
}

function hostFull(path: string, cause: unknown): GvaError {
  return new GvaError('HOST_FULL', `there is no room for the image ${path}`, {
    hint: 'Make room on that file system, or choose another one (GVA_SCRATCH, XDG_CACHE_HOME).',
    exitCode: ExitCode.infrastructure,
    cause,
  });
}

/** What mke2fs says, in the words of e2fsprogs 1.47 (misc/create_inode.c, com_err of libext2fs), and of which name. */
export function reasonOf(message: string): { what: 'host full' | 'image full' | 'other'; name?: string } {
  const [, name] = /while (?:writing|creating|opening|looking up)[a-z ]*"([^"\n]*)"/.exec(message) ?? [];
  const named = name === undefined ? {} : { name };
  if (/No space left on device|Disk quota exceeded/.test(message)) return { what: 'host full', ...named };
  if (/Could not allocate (block|inode)|could not expand/i.test(message))
    return { what: 'image full', ...named };
  return { what: 'other', ...named };
}

async function firstUnreadable(folder: string): Promise<{ path: string; error: unknown } | undefined> {
  for (const entry of await entriesOf(folder)) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile()) continue;
    try {
      await access(path, constants.R_OK);
    } catch (error) {
      return { path, error };
    }
  }
  return undefined;
}
