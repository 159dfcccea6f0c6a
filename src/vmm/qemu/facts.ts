import { readFile } from 'node:fs/promises';
import { release } from 'node:os';
import { probesFolder } from '../../system/paths.js';
import { rememberedDigest } from '../../system/remembered-digest.js';
import type { QemuInstallation } from './installation.js';
import type { Accelerator } from './machine.js';

/**
 * What of this host and its QEMU a saved machine depends on (`Templates.facts`). The program's digest stands for its
 * version, for what its unversioned machine types are, and for the format of its states.
 */
export async function hostFacts(
  { program, version, dataFolders }: QemuInstallation,
  accelerator: Accelerator,
): Promise<Record<string, string>> {
  return {
    qemu: version,
    program: await rememberedDigest(program, probesFolder()),
    dataFolders: dataFolders.join(':'),
    accelerator,
    ...(await processor(accelerator)),
  };
}

/**
 * By emulation a guest's time stamp counter runs at the host's speed, which only some kernels tell: the processor's
 * name and stepping stand for it. Otherwise its processor is the host's, as the host's kernel lets it see it.
 */
async function processor(accelerator: Accelerator): Promise<Record<string, string>> {
  const info = await readFile('/proc/cpuinfo', 'utf8').catch(() => '');
  const field = (name: string) => new RegExp(`^${name}\\s*:\\s*(.*)$`, 'm').exec(info)?.[1] ?? '';
  const speed = await readFile('/sys/devices/system/cpu/cpu0/tsc_freq_khz', 'utf8').catch(() => '');
  const seen = { processor: `${field('model name')} ${field('stepping')}`, tscKHz: speed.trim() };
  if (accelerator === 'tcg') return seen;
  return { ...seen, flags: field('flags'), microcode: field('microcode'), kernel: release() };
}
