import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findQemu, firmwareFolders, isTooOld } from '../../src/vmm/qemu/installation.js';
import { findUefi } from '../../src/vmm/qemu/uefi.js';
import { temporaryFolder } from '../support/gva.js';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder[Symbol.asyncDispose]());

async function file(path: string, content = '', mode = 0o644): Promise<string> {
  const full = join(folder.path, path);
  await mkdir(dirname(full), { recursive: true });
  await writeFile(full, content, { mode });
  return full;
}
const qemu = (path: string, body = 'echo "QEMU emulator version 9.1.2 (Debian 1:9.1)"') =>
  file(path, `#!/bin/sh\n${body}\n`, 0o755);

describe("a QEMU of the user's own", () => {
  it('is found in bin/, with its data and libraries', async () => {
    const program = await qemu('bin/qemu-system-x86_64');
    await qemu('qemu-system-x86_64', 'exit 1');
    await file('share/qemu/pvh.bin');
    await file('share/seabios/bios.bin');
    await file('lib/libx.so');
    const found = await findQemu(folder.path);
    expect(found).toMatchObject({
      program,
      version: '9.1.2',
      dataFolders: [join(folder.path, 'share/qemu'), join(folder.path, 'share/seabios')],
    });
    expect(found?.env['LD_LIBRARY_PATH']?.split(':')[0]).toBe(join(folder.path, 'lib'));
  });

  it('is found in the folder itself, with nothing beside it', async () => {
    const program = await qemu('qemu-system-x86_64');
    expect(await findQemu(folder.path)).toEqual({ program, version: '9.1.2', dataFolders: [], env: {} });
  });

  it('has its libraries already when it is asked for its version', async () => {
    await qemu('bin/qemu-system-x86_64', 'echo "version ${LD_LIBRARY_PATH%%:*}"');
    await file('lib64/libx.so');
    expect((await findQemu(folder.path))?.version).toBe(join(folder.path, 'lib64'));
  });

  it('is missed and told of where it does not start', async () => {
    await expect(findQemu(folder.path)).rejects.toMatchObject({ code: 'QEMU_FOLDER' });
    await qemu('bin/qemu-system-x86_64', 'echo no libfdt >&2; exit 127');
    await expect(findQemu(folder.path)).rejects.toMatchObject({ code: 'QEMU_BROKEN' });
  });
});

it.each([
  ['6.2.0', true],
  ['7.1.0', true],
  ['7.2.22', false],
  ['8.0.0', false],
  ['10.1.90', false],
  ['unknown', false],
])('version %s is too old: %s', (version, expected) => {
  expect(isTooOld(version)).toBe(expected);
});

describe('UEFI firmware', () => {
  it("is looked for beside the user's QEMU first", () => {
    const own = { program: '/q/bin/qemu-system-x86_64', dataFolders: ['/q/share/qemu'] };
    const folders = firmwareFolders({ ...own, version: '9.1.2', env: {} });
    expect(folders.slice(0, 2)).toEqual(['/q/share/qemu', '/q/share/OVMF']);
    expect(folders).toContain('/usr/share/OVMF');
  });

  it('is a pair of code and variables, the first that is whole', async () => {
    await file('a/OVMF_CODE_4M.fd');
    await file('b/OVMF_VARS.fd');
    await file('b/OVMF_CODE.fd');
    const folders = ['a', 'b'].map((name) => join(folder.path, name));
    expect(await findUefi(folders)).toEqual({
      code: join(folder.path, 'b/OVMF_CODE.fd'),
      variables: join(folder.path, 'b/OVMF_VARS.fd'),
    });
    await expect(findUefi(folders.slice(0, 1))).rejects.toMatchObject({ code: 'UEFI_MISSING' });
  });
});
