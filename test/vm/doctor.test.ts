import { afterAll, beforeAll, expect, it } from 'vitest';
import { type DoctorReport, speedTests } from '../../src/model/doctor.js';
import { gva, temporaryFolder } from '../support/gva.js';

// What this machine really can do. Whether KVM works is the machine's affair.

let cache: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  cache = await temporaryFolder();
});
afterAll(() => cache[Symbol.asyncDispose]());

async function doctor(...options: string[]): Promise<DoctorReport> {
  const { code, stdout, stderr } = await gva(['doctor', '--json', ...options], {
    XDG_CACHE_HOME: cache.path,
  });
  expect(code, stderr).toBe(0);
  expect(stderr).toBe('');
  return JSON.parse(stdout) as DoctorReport;
}

it('gva doctor boots a guest under everything that works, and remembers it', async () => {
  const report = await doctor('--fresh');
  expect(report).toMatchObject({ format: 'gva-doctor/1', fromCache: false });
  expect(Object.keys(report.native ?? {})).toEqual([...speedTests]);
  const found = (accelerator: string) => report.vmms.find((each) => each.accelerator === accelerator);
  for (const accelerator of ['tcg', 'native'])
    expect(found(accelerator), JSON.stringify(found(accelerator))).toMatchObject({ verdict: 'works' });
  for (const { verdict, bootSeconds, relative, reason } of report.vmms) {
    if (verdict !== 'works') expect(reason).toEqual(expect.any(String));
    else expect(bootSeconds).toBeGreaterThan(0);
    if (verdict === 'works') expect(Object.keys(relative ?? {})).toEqual([...speedTests]);
  }
  const kvm = found('kvm')?.verdict === 'works';
  expect(report.auto).toEqual(
    kvm ? { vmm: 'qemu', accelerator: 'kvm' } : { vmm: 'uml', accelerator: 'native' },
  );

  const again = await doctor();
  expect(again.fromCache).toBe(true);
  expect(again.vmms).toEqual(report.vmms);
});

it('gva doctor shows people a screenful', async () => {
  const { code, stdout, stderr } = await gva(['doctor'], { XDG_CACHE_HOME: cache.path });
  expect(code, stderr).toBe(0);
  expect(stdout).toMatch(/✓ User-mode Linux \d\S+ +\d+\.\d\d s +\d/);
  expect(stdout).toMatch(/✓ QEMU, TCG \d\S+ +\d+\.\d\d s +\d/);
  expect(stdout.split('\n').length).toBeLessThan(45);
});
