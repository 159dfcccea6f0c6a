import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { arm64Base } from '../support/arm64-base.js';
import { buildLimit } from '../support/debian-base.js';
import { gva, readResult, temporaryFolder, writeAppliance } from '../support/gva.js';
import { staticBusybox } from '../support/static-busybox.js';

it(
  'one appliance folder runs on either architecture, with a program for it; no other program is even started',
  { timeout: buildLimit },
  async () => {
    const arm64 = (await arm64Base()).name;
    await using folder = await temporaryFolder();
    const appliance = await writeAppliance(join(folder.path, 'a'), {
      yaml: 'parameters: { word: { type: string } }\n',
      job: '/app/uname -m >machine; echo "$1" >>machine',
    });
    const program = join(appliance, 'app/uname');
    const runOn = async (base: string, arch: 'x86_64' | 'aarch64') => {
      await writeFile(program, await staticBusybox(arch));
      await chmod(program, 0o755);
      const text = await readFile(join(appliance, 'gva.yaml'), 'utf8');
      await writeFile(join(appliance, 'gva.yaml'), `${text.replace(/^base: .*\n/m, '')}base: ${base}\n`);
      const out = join(folder.path, `${base}-${arch}`);
      return { ...(await gva(['run', appliance, '-p', 'word=same', '--out', out])), out };
    };
    for (const [base, arch] of [
      ['micro', 'x86_64'],
      [arm64, 'aarch64'],
    ] as const) {
      const { code, stderr, out } = await runOn(base, arch);
      expect(code, stderr).toBe(0);
      expect((await readResult(out)).base).toMatchObject({ name: base });
      expect(await readFile(join(out, 'output/machine'), 'utf8')).toBe(`${arch}\nsame\n`);
    }
    // What the command line itself names is looked at before.
    const yaml = await readFile(join(appliance, 'gva.yaml'), 'utf8');
    await writeFile(join(appliance, 'gva.yaml'), yaml.replace(/^run: .*/m, 'run: ./uname -m'));
    const refused = await runOn(arm64, 'x86_64');
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/uname/);
  },
);
