import { ExitCode, GvaError } from '../system/errors.js';
import type { Boot, Probe, VmmDriver } from './driver.js';

export interface ChosenVmm {
  readonly driver: VmmDriver;
  readonly probe: Extract<Probe, { available: true }>;
}

/**
 * The driver by name, or the fastest that works here: KVM or HVF, else User-mode Linux (native speed) where the
 * machine has one CPU and needs no firmware, else emulation.
 *
 * @param drivers by name; `qemu` and `uml` are what `auto` chooses from
 * @param cpus that the guest is to have
 * @param boot how it is to be started
 */
export async function chooseVmm(
  name: string,
  drivers: ReadonlyMap<string, VmmDriver>,
  cpus: number,
  boot: Boot['kind'] = 'direct',
): Promise<ChosenVmm> {
  if (name !== 'auto') return namedVmm(name, drivers, cpus, boot);
  const failures: Extract<Probe, { available: false }>[] = [];
  const usable: ChosenVmm[] = [];
  for (const driver of drivers.values()) {
    const probe = await driver.probe();
    if (!probe.available) failures.push(probe);
    else if (!limitation(driver, cpus, boot)) usable.push({ driver, probe });
  }
  const speed = ({ probe }: ChosenVmm) => ['kvm', 'hvf', 'native', 'tcg'].indexOf(probe.accelerator);
  const best = usable.sort((a, b) => speed(a) - speed(b))[0];
  if (best) return best;
  throw new GvaError(
    'VMM_MISSING',
    `no virtual machine monitor can run this:\n${failures.map(line).join('\n')}`,
    {
      exitCode: ExitCode.infrastructure,
      hint: failures[0]?.hint ?? `None of them gives a guest ${cpus} CPUs and starts it by ${boot} boot.`,
    },
  );
}

const line = ({ reason }: { reason: string }) => `  ${reason}`;

async function namedVmm(
  name: string,
  drivers: ReadonlyMap<string, VmmDriver>,
  cpus: number,
  boot: Boot['kind'],
): Promise<ChosenVmm> {
  const driver = drivers.get(name);
  if (!driver)
    throw new GvaError('VMM_UNKNOWN', `there is no VMM ${JSON.stringify(name)}`, {
      hint: `Use one of: auto, ${[...drivers.keys()].join(', ')}`,
    });
  const refused = limitation(driver, cpus, boot);
  if (refused) throw refused;
  const probe = await driver.probe();
  if (probe.available) return { driver, probe };
  throw new GvaError('VMM_MISSING', `${name} cannot be used: ${probe.reason}`, {
    exitCode: ExitCode.infrastructure,
    hint: probe.hint,
  });
}

/** What the driver cannot do of this; undefined where it can. */
function limitation(
  { name, capabilities }: VmmDriver,
  cpus: number,
  boot: Boot['kind'],
): GvaError | undefined {
  const { maxCpus, boots } = capabilities;
  if (!boots.includes(boot))
    return new GvaError('VMM_BOOT', `${name} cannot start a guest by ${boot} boot`, {
      hint: 'Use --vmm qemu.',
    });
  if (cpus <= maxCpus) return undefined;
  return new GvaError('VMM_CPUS', `${name} gives a guest at most ${maxCpus} CPU, not ${cpus}`, {
    hint: 'Use --vmm qemu, or lower hardware.cpus in gva.yaml.',
  });
}
