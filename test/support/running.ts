import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { type ApplianceText, eventually, gva, gvaProgram, writeAppliance } from './gva.js';

/** An instance that runs beside its test. */
export interface Running {
  readonly name: string;
  readonly out: string;
  /** Exit status and signal of `gva run`. */
  readonly ended: Promise<unknown[]>;
}

/**
 * Runs an appliance with a control channel; resolves when its first script has started, or has ended already.
 *
 * @param home folder that becomes the appliance
 * @param by how commands are run in it
 */
export async function startRunning(
  home: string,
  appliance: ApplianceText,
  words: readonly string[],
  env: Record<string, string>,
  by: readonly string[] = ['--channel'],
): Promise<Running> {
  await writeAppliance(home, appliance);
  const out = join(home, 'out');
  const child = spawn(process.execPath, [gvaProgram, 'run', home, ...by, '--out', out, ...words], {
    env: { ...process.env, ...env },
    stdio: 'ignore',
  });
  const ended = once(child, 'exit');
  let name = '';
  await eventually(async () => {
    const found = JSON.parse((await gva(['ps', '--json'], env)).stdout) as { id: string; state: string }[];
    // A short script is over before anybody has looked.
    name = found.find(({ state }) => state.startsWith('scripts'))?.id ?? '';
    return name !== '' || child.exitCode !== null;
  });
  return { name, out, ended };
}
