import { join } from 'node:path';
import { ExitCode, GvaError } from '../system/errors.js';
import { findProgram, runTool } from '../system/process.js';

/** The kernel of Debian's package, or of the user's own by path. */
export const umlProgram = () => process.env['GVA_UML_KERNEL'] ?? 'linux.uml';

/** Milliseconds that a program is given to tell its version. */
const answerLimit = 10_000;

/** Release of this machine's User-mode Linux kernel (`6.1.176`); undefined where there is none. */
export async function umlRelease(): Promise<string | undefined> {
  if (!(await findProgram(umlProgram()))) return undefined;
  try {
    const signal = AbortSignal.timeout(answerLimit);
    return (await runTool(umlProgram(), ['--version'], { signal })).toString().trim();
  } catch (error) {
    throw new GvaError('UML_BROKEN', `${umlProgram()} --version does not work`, {
      exitCode: ExitCode.infrastructure,
      hint: 'Name a User-mode Linux kernel in GVA_UML_KERNEL, or unset it.',
      cause: error,
    });
  }
}

/** Where the package user-mode-linux has the modules of its kernel. */
export const umlModulesFolder = (release: string) => join('/usr/lib/uml/modules', release);
