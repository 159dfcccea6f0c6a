import { describe, expect, it } from 'vitest';
import { chooseVmm } from '../../src/vmm/choose.js';
import { type Capabilities, type Probe, type VmmDriver, runsOnly } from '../../src/vmm/driver.js';

const driver = (
  name: string,
  accelerator: string | undefined,
  can: Partial<Capabilities> = {},
): VmmDriver => ({
  name,
  capabilities: {
    ...runsOnly,
    maxCpus: 255,
    boots: ['direct', 'firmware'],
    ...can,
  },
  probe: () =>
    Promise.resolve<Probe>(
      accelerator === undefined
        ? { available: false, reason: `no ${name}`, hint: `install ${name}` }
        : { available: true, version: '1', accelerator },
    ),
  start: () => Promise.reject(new Error('not asked to')),
});
const uml = (accelerator?: string) => driver('uml', accelerator, { maxCpus: 1, boots: ['direct'] });
const named = (...drivers: VmmDriver[]) => new Map(drivers.map((each) => [each.name, each]));

describe('auto', () => {
  it.each([
    ['kvm', 'native', 1, 'direct', 'qemu'],
    ['hvf', 'native', 1, 'direct', 'qemu'],
    ['tcg', 'native', 1, 'direct', 'uml'],
    ['tcg', 'native', 2, 'direct', 'qemu'],
    ['tcg', 'native', 1, 'firmware', 'qemu'],
    ['tcg', undefined, 1, 'direct', 'qemu'],
    [undefined, 'native', 1, 'direct', 'uml'],
  ] as const)('QEMU by %s, UML %s, %s CPUs, %s boot: %s', async (qemu, native, cpus, boot, expected) => {
    const chosen = await chooseVmm('auto', named(driver('qemu', qemu), uml(native)), cpus, boot);
    expect(chosen.driver.name).toBe(expected);
  });

  it('says why none will do', async () => {
    await expect(chooseVmm('auto', named(driver('qemu', undefined), uml()), 1)).rejects.toMatchObject({
      code: 'VMM_MISSING',
      message: 'no virtual machine monitor can run this:\n  no qemu\n  no uml',
      hint: 'install qemu',
    });
    await expect(chooseVmm('auto', named(uml('native')), 2)).rejects.toMatchObject({
      hint: 'None of them gives a guest 2 CPUs and starts it by direct boot.',
    });
  });
});

describe('a VMM by name', () => {
  const drivers = named(driver('qemu', 'tcg'), uml('native'), driver('fake', undefined));
  it('is taken, however slow', async () => {
    expect((await chooseVmm('qemu', drivers, 1)).driver.name).toBe('qemu');
  });
  it.each([
    ['bochs', 1, 'direct', 'VMM_UNKNOWN'],
    ['uml', 2, 'direct', 'VMM_CPUS'],
    ['uml', 1, 'firmware', 'VMM_BOOT'],
    ['fake', 1, 'direct', 'VMM_MISSING'],
  ] as const)('is refused: %s, %s CPUs, %s boot: %s', async (name, cpus, boot, code) => {
    await expect(chooseVmm(name, drivers, cpus, boot)).rejects.toMatchObject({ code });
  });
});
