import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { packageRoot } from '../../src/system/package.js';

/** A time of day that jumps; see clock.c. */
export interface JumpingClock {
  readonly env: Readonly<Record<string, string>>;
  /** How often it has jumped by now. */
  jumps(): Promise<number>;
}

/**
 * @param folder for what it needs
 * @param every questions of all processes between two jumps
 */
export async function makeJumpingClock(folder: string, every: number): Promise<JumpingClock> {
  const [library, state] = [join(folder, 'clock.so'), join(folder, 'clock')];
  const source = join(packageRoot, 'test/support/clock.c');
  await promisify(execFile)('cc', ['-shared', '-fPIC', '-O1', '-o', library, source, '-ldl']);
  await writeFile(state, Buffer.alloc(8));
  return {
    env: { LD_PRELOAD: library, GVA_CLOCK_STATE: state, GVA_CLOCK_EVERY: String(every) },
    jumps: async () => Math.floor(Number((await readFile(state)).readBigInt64LE(0)) / every),
  };
}
