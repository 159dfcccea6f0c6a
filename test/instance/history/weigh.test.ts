import { describe, expect, it } from 'vitest';
import { type PastRun, weigh } from '../../../src/instance/history/weigh.js';

const uml = (script: number, overhead = 1.5): PastRun => ({
  ...{ vmm: 'uml', accelerator: 'native', start: 'cold' },
  ...{ script, overhead },
});
const qemu = (script: number, overhead = 0.3, start: PastRun['start'] = 'warm'): PastRun => ({
  ...{ vmm: 'qemu', accelerator: 'tcg', start },
  ...{ script, overhead },
});
const there = { template: true, instances: 1 };

describe('warm QEMU or User-mode Linux', () => {
  it.each<[string, PastRun[], typeof there, 'native' | 'warm']>([
    ['nothing is known', [], there, 'native'],
    ['only emulated runs are known', [qemu(0.1)], there, 'native'],
    ['a script is short', [uml(0.01)], there, 'warm'],
    ['a script is long, and was never emulated', [uml(1)], there, 'native'],
    ['a script is long, but hardly longer by emulation', [uml(1), qemu(1.2)], there, 'warm'],
    ['the two are close', [uml(1), qemu(1.9)], there, 'native'],
    ['a warm start takes long here', [uml(0.01), qemu(0.1, 2)], there, 'native'],
    ['only a cold start was emulated', [uml(1), qemu(1.2, 9, 'cold')], there, 'warm'],
    ['a template must be made for few', [uml(0.01)], { template: false, instances: 4 }, 'native'],
    ['a template must be made for many', [uml(0.01)], { template: false, instances: 100 }, 'warm'],
    ['one run of many was odd', [uml(0.01), uml(99), uml(0.01)], there, 'warm'],
    ['others were run by KVM', [uml(1), { ...qemu(0.1), accelerator: 'kvm' }], there, 'native'],
  ])('where %s', (_, past, chance, choice) => {
    expect(weigh(past, chance).choice).toBe(choice);
  });

  it('gives its figures', () => {
    expect(weigh([uml(1), qemu(1.25)], there).reason).toBe(
      'User-mode Linux 2.50 s by earlier runs, warm QEMU 1.55 s by earlier runs',
    );
    expect(weigh([uml(0.01)], there).reason).toMatch(/warm QEMU 0.70 s assumed/);
  });
});
