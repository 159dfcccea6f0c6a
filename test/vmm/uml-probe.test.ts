import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { UmlDriver } from '../../src/vmm/uml/driver.js';
import { temporaryFolder } from '../support/gva.js';

describe('User-mode Linux is not available', () => {
  afterEach(() => vi.unstubAllEnvs());

  async function probeWith(script: string) {
    await using folder = await temporaryFolder();
    const kernel = join(folder.path, 'linux');
    await writeFile(kernel, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    vi.stubEnv('GVA_UML_KERNEL', kernel);
    return await new UmlDriver({ modulesRelease: '6.1.176' }).probe();
  }

  it('where the kernel that the user names does not work', async () => {
    expect(await probeWith('exit 1')).toMatchObject({ available: false });
  });

  it('where it is of a release that the base has no modules for', async () => {
    const probe = await probeWith('echo 6.9.9');
    expect(probe).toMatchObject({
      available: false,
      hint: 'Build the base again: gva base build micro --force',
    });
    expect(probe).toHaveProperty('reason', 'the base has modules for the kernel 6.1.176, not 6.9.9');
  });

  it('but is where all fits', async () => {
    expect(await probeWith('echo 6.1.176')).toEqual({
      ...{ available: true, version: '6.1.176', accelerator: 'native' },
    });
  });
});
