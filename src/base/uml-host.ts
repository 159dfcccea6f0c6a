import { join } from 'node:path';
import { findProgram, runTool } from '../system/process.js';

/** The kernel of Debian's package, or of the user's own by path. */
export const umlProgram = () => process.env['GVA_UML_KERNEL'] ?? 'linux.uml';

/** Release of this machine's User-mode Linux kernel (`6.1.176`); undefined where there is none. */
export async function umlRelease(): Promise<string | undefined> {
  if (!(await findProgram(umlProgram()))) return undefined;
  return (await runTool(umlProgram(), ['--version'])).toString().trim();
}

/** Where the package user-mode-linux has the modules of its kernel. */
export const umlModulesFolder = (release: string) => join('/usr/lib/uml/modules', release);
