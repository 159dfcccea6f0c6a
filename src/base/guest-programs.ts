import { messageOf } from '../system/errors.js';
import { guestFile } from '../system/package.js';
import { findProgram, runTool } from '../system/process.js';

/** Programs of ours that are compiled for the guest; each from guest/NAME.c and what it includes. */
export const guestPrograms = { wake: 'gvad-wake', agent: 'gvad-agent', insert: 'gvad-insert' } as const;

/**
 * Compiles a program of one C file that needs no C library. Same compiler, same bytes.
 *
 * @returns false where this machine has no C compiler, or not the kernel's headers
 * @throws GvaError TOOL_FAILED with what the compiler says
 */
export async function compileGuestProgram(name: string, target: string): Promise<boolean> {
  const compiler = await findProgram('cc');
  if (compiler === undefined) return false;
  try {
    await runTool(compiler, [...options, '-o', target, guestFile(`${name}.c`)]);
    return true;
  } catch (error) {
    if (/fatal error: \S+: No such file/.test(messageOf(error))) return false;
    throw error;
  }
}

/** Without position independence and stack protector there is nothing that a start-up routine would have to do. */
const options = [
  ...['-static', '-nostdlib', '-ffreestanding', '-fno-pie', '-no-pie', '-fno-stack-protector'],
  ...['-Os', '-Wall', '-Wextra', '-s', '-Wl,--build-id=none'],
];
