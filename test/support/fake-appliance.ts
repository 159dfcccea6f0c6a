import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import type { ApplianceFolder } from '../../src/appliance/load.js';
import { loadAppliance } from '../../src/appliance/load.js';
import type { DirectBase } from '../../src/base/store.js';
import { type PreparedAppliance, prepareAppliance } from '../../src/instance/prepare.js';
import type { ChosenVmm } from '../../src/vmm/choose.js';
import type { VmmDriver } from '../../src/vmm/driver.js';
import { FakeDriver } from '../../src/vmm/fake/driver.js';

/** A folder of its own for a test, with GVA's user folders in it; disposing it removes everything. */
export interface TestHome extends AsyncDisposable {
  readonly folder: string;
  /** Where instances have their disks. */
  readonly scratch: string;
}

export async function makeTestHome(): Promise<TestHome> {
  const folder = await mkdtemp(join(tmpdir(), 'gva-unit-'));
  const scratch = join(folder, 'scratch');
  await mkdir(scratch);
  vi.stubEnv('XDG_CACHE_HOME', join(folder, 'cache'));
  vi.stubEnv('XDG_DATA_HOME', join(folder, 'data'));
  vi.stubEnv('GVA_SCRATCH', scratch);
  return {
    folder,
    scratch,
    [Symbol.asyncDispose]: async () => {
      vi.unstubAllEnvs();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export const squareManifest = `name: square
version: 1.2.3
run: ./job.sh $(cat /cdrom/param)
parameters:
  n: { type: int }
  mode: { type: string, default: fast }
output: { size: 1M }
`;

/** Writes an appliance folder `square` and reads it. */
export async function makeAppliance(parent: string, manifest = squareManifest): Promise<ApplianceFolder> {
  return loadAppliance(await writeAppliance(parent, manifest));
}

export async function writeAppliance(parent: string, manifest: string): Promise<string> {
  const folder = join(parent, 'square');
  await mkdir(join(folder, 'app'), { recursive: true });
  await writeFile(join(folder, 'gva.yaml'), manifest);
  await writeFile(join(folder, 'app/job.sh'), '#!/bin/sh\n', { mode: 0o755 });
  return folder;
}

/** A base that no machine can boot: enough where a shell script plays the guest. */
export function fakeBase(digest = 'b'.repeat(64)): DirectBase {
  const file = (name: string) => ({ name, size: 0, sha256: '0'.repeat(64) });
  return {
    ...{ format: 1, contract: 1, os: 'linux', arch: 'x86_64' },
    ...{ name: 'micro', description: 'none', kernelRelease: '0', packages: {}, inputs: '', digest },
    files: { root: file('root.img'), kernel: file('vmlinux'), initrd: file('initrd.img') },
    folder: '/nonexistent',
  };
}

export async function prepareSquare(home: TestHome, manifest?: string): Promise<PreparedAppliance> {
  return prepareAppliance(await makeAppliance(home.folder, manifest), fakeBase());
}

/** A VMM whose guest is played by this shell script. */
export function fakeVmm(
  script?: string,
  driver: VmmDriver = new FakeDriver(script === undefined ? {} : { script }),
): ChosenVmm {
  return { driver, probe: { available: true, version: '1', accelerator: 'none' } };
}
