import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { PageAssets } from '../../report/html/document.js';
import { ExitCode, GvaError, messageOf } from '../../system/errors.js';
import { writeFileAtomically } from '../../system/files.js';
import { pageFiles } from '../../system/paths.js';

/** @throws GvaError OUT_EXISTS */
export function refuseExisting(target: string, force: boolean): void {
  if (!force && existsSync(target))
    throw new GvaError('OUT_EXISTS', `${target} exists`, {
      hint: 'Replace it: --force. Or name another file: -o FILE',
    });
}

/** Writes a file that appears whole or not at all. @throws GvaError OUT_UNUSABLE */
export async function writeOut(target: string, text: string): Promise<void> {
  await writeFileAtomically(target, text).catch((error: unknown) => {
    throw new GvaError('OUT_UNUSABLE', `cannot write ${target}: ${messageOf(error)}`, {
      exitCode: ExitCode.infrastructure,
      cause: error,
    });
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
