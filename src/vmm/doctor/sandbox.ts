import type { SandboxFacts } from '../../model/doctor.js';
import { findConfinement } from '../confinement-probe.js';
import { sandboxSetting } from '../confinement.js';
import type { Programs } from './programs.js';

/**
 * Which of these monitors are confined here.
 *
 * @param fresh tries again what is known
 * @throws GvaError SANDBOX_SETTING
 */
export async function lookAtSandbox({ qemu, uml }: Programs, fresh = false): Promise<SandboxFacts> {
  const setting = sandboxSetting();
  if (setting === 'off') return { setting, confined: [], filtered: [], reason: null };
  const confined: SandboxFacts['confined'][number][] = [];
  const filtered: typeof confined = [];
  let reason = qemu.found || uml.found ? null : 'there is no monitor to confine';
  for (const [name, program] of [['qemu', qemu.found] as const, ['uml', uml.found] as const]) {
    if (!program) continue;
    const found = await findConfinement(program, fresh);
    if (found.works) confined.push(name);
    else reason = found.reason;
    if (found.works && found.filter) filtered.push(name);
  }
  return { setting, confined, filtered, reason };
}
