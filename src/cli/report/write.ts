import { type Stats, existsSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { PageAssets } from '../../report/html/document.js';
import { ExitCode, GvaError, errnoOf, messageOf } from '../../system/errors.js';
import { writeFileAtomically } from '../../system/files.js';
import { pageFiles } from '../../system/package.js';

/**
 * Before the work is done that makes the file.
 *
 * @throws GvaError OUT_EXISTS, OUT_UNUSABLE
 */
export function checkTarget(target: string, force: boolean): void {
  if (target === '') throw new GvaError('USAGE', 'a file without a name', { hint: 'Name one: -o FILE' });
  const folder = dirname(target);
  if (!existsSync(folder))
    throw unwritable(target, new Error(`there is no folder ${folder}`), `Make it: mkdir -p ${folder}`);
  const found = seen(target);
  if (found?.isDirectory())
    throw new GvaError('OUT_EXISTS', `${target} is a folder`, { hint: 'Name a file in it.' });
  if (found && !force)
    throw new GvaError('OUT_EXISTS', `${target} exists`, {
      hint: 'Replace it: --force. Or name another file: -o FILE',
    });
}

function seen(target: string): Stats | undefined {
  try {
    return statSync(target, { throwIfNoEntry: false });
  } catch (error) {
    throw unwritable(target, error);
  }
}

/** Writes a file that appears whole or not at all. @throws GvaError OUT_SPECIAL, OUT_UNUSABLE */
export async function writeOut(target: string, text: string): Promise<void> {
  await writeFileAtomically(target, text).catch((error: unknown) => {
    throw error instanceof GvaError ? error : unwritable(target, error);
  });
}

function unwritable(target: string, error: unknown, hint = 'Name another file: -o FILE'): GvaError {
  // The name of the temporary file says nothing to anybody.
  const reason = errnoOf(error) ? messageOf(error).replace(/, \w+(?: '[^]*)?$/, '') : messageOf(error);
  return new GvaError('OUT_UNUSABLE', `cannot write ${target}: ${reason}`, {
    ...{ exitCode: ExitCode.infrastructure, hint, cause: error },
  });
}

/** Script and style of pages. @throws GvaError PAGE_MISSING */
export async function pageAssets(): Promise<PageAssets> {
  try {
    const [script, style] = await Promise.all([
      readFile(pageFiles.script, 'utf8'),
      readFile(pageFiles.style, 'utf8'),
    ]);
    return { script, style };
  } catch (error) {
    throw new GvaError('PAGE_MISSING', `the parts of a page are missing: ${messageOf(error)}`, {
      exitCode: ExitCode.infrastructure,
      hint: 'They are made by the build of GVA: npm run build',
      cause: error,
    });
  }
}
