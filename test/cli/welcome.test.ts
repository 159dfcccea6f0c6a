import { describe, expect, it } from 'vitest';
import { packageRoot, packageVersion } from '../../src/system/package.js';
import { gva, temporaryFolder } from '../support/gva.js';

describe('gva by itself', () => {
  it('says what to do next; with a base image, not that one is to be built', async () => {
    await using folder = await temporaryFolder();
    const { code, stdout, stderr } = await gva([], { XDG_DATA_HOME: folder.path });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const commands = [...stdout.matchAll(/^ {2}(gva .*?) {2,}/gm)].map(([, command]) => command);
    expect(commands).toEqual([
      ...['gva doctor', 'gva base build micro', 'gva init square', 'gva run square --param n=12'],
      'gva sweep run square/plan.yaml --out squares',
    ]);
  });

  it('does not hide what was mistyped', async () => {
    const { code, stderr } = await gva(['swep']);
    expect(code).toBe(2);
    expect(stderr).toContain("unknown command 'swep'\n(Did you mean sweep?)");
  });
});

describe('gva --version', () => {
  it('is the version alone', async () => {
    expect(await gva(['--version'])).toEqual({ code: 0, stdout: `${packageVersion()}\n`, stderr: '' });
  });

  it('--verbose says what GVA is made of and finds, for people and for programs', async () => {
    const { stdout } = await gva(['--version', '--verbose']);
    expect(stdout).toMatch(new RegExp(`^gva +${packageVersion()}\\nfolder +${packageRoot}\\nnode +v\\d`));
    expect(stdout).toMatch(/^mke2fs +mke2fs \d/m);
    const { stdout: json } = await gva(['--version', '--verbose', '--json']);
    expect(JSON.parse(json)).toMatchObject({ gva: packageVersion(), node: process.version });
  });
});
