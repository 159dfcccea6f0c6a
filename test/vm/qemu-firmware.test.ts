import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DirectBase, loadDirectBase } from '../../src/base/store.js';
import { writeFat } from '../../src/disk/fat/index.js';
import type { MediumEntry } from '../../src/disk/medium-entry.js';
import type { Boot, Hardware, MachineSpec } from '../../src/vmm/driver.js';
import { QemuDriver } from '../../src/vmm/qemu/driver.js';
import { temporaryFolder } from '../support/gva.js';
import { type GuestKernel, carriedQemu, guestKernel, unpackPackages } from '../support/guest-kernel.js';
import { requireTool } from '../support/tools.js';

// One disk that BIOS and UEFI boot, made here: a FAT volume with SYSLINUX and a unified kernel image. Boot
// loaders and firmware come from Debian packages that are unpacked, not installed.

const run = promisify(execFile);

let base: DirectBase;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let driver: QemuDriver;
let packages: string;
let kernel: GuestKernel;

beforeAll(async () => {
  base = await loadDirectBase('micro');
  folder = await temporaryFolder();
  packages = await unpackPackages(['ovmf', 'syslinux', 'systemd-boot-efi'], join(folder.path, 'loaders'));
  kernel = await guestKernel(base, folder.path, sayFirmware, ['pvpanic_pci']);
  // OVMF is then beside QEMU, as in a folder that somebody carries along.
  const carried = await carriedQemu(requireTool('qemu-system-x86_64'), join(packages, 'usr'));
  driver = new QemuDriver({
    probeKernel: join(base.folder, base.files.kernel.name),
    folder: carried,
  });
});
afterAll(() => folder[Symbol.asyncDispose]());

const sayFirmware = `
if [ -d /sys/firmware/efi ]; then firmware=uefi; else firmware=bios; fi
echo "@gva1 boot firmware=$firmware" >&3
if grep -q end=panic /proc/cmdline; then echo c >/proc/sysrq-trigger; fi`;

async function bootableDisk(name: string, words: string): Promise<string> {
  const commandLine = `console=ttyS1 quiet panic=-1 no_timer_check ${words}`;
  const unified = join(folder.path, `${name}.efi`);
  await makeUnifiedKernel(unified, commandLine);
  const fromFile = async (path: string, source: string): Promise<MediumEntry> => ({
    ...{ kind: 'file', path },
    content: await readFile(source),
  });
  const menu = `default gva\nlabel gva\nlinux vmlinuz\ninitrd initrd\nappend ${commandLine}\n`;
  const image = join(folder.path, `${name}.img`);
  await writeFat(
    image,
    [
      { kind: 'file', path: 'syslinux.cfg', content: Buffer.from(menu) },
      await fromFile('vmlinuz', kernel.bzImage),
      await fromFile('initrd', kernel.initrd),
      await fromFile('EFI/BOOT/BOOTX64.EFI', unified),
    ],
    { label: 'GVA-BOOT', size: 64 << 20 },
  );
  await run(join(packages, 'usr/bin/syslinux'), ['--install', image], { timeout: 30_000 });
  return image;
}

/** Sections that systemd's stub looks for (systemd-stub(7)); their addresses lie behind its own. */
async function makeUnifiedKernel(file: string, commandLine: string): Promise<void> {
  const words = `${file}.words`;
  await writeFile(words, commandLine);
  const sections: [string, string, number][] = [
    ['.cmdline', words, 0x30000],
    ['.linux', kernel.bzImage, 0x2000000],
    ['.initrd', kernel.initrd, 0x3000000],
  ];
  const options = sections.flatMap(([name, source, address]) => [
    ...['--add-section', `${name}=${source}`, '--change-section-vma', `${name}=${address}`],
  ]);
  const stub = join(packages, 'usr/lib/systemd/boot/efi/linuxx64.efi.stub');
  await run(requireTool('objcopy'), [...options, stub, file], { timeout: 30_000 });
}

async function boot(name: string, words: string, how: Boot, hardware: Hardware) {
  const image = await bootableDisk(name, words);
  const spec: MachineSpec = {
    ...{ id: name, cpus: 1, memory: 256 << 20, boot: how, hardware },
    disks: [
      { id: 'root', image, size: 64 << 20, access: 'overlay', overlay: join(folder.path, `${name}.qcow2`) },
    ],
    folders: { uml: '', hostfs: '' },
  };
  await using machine = await driver.start(spec);
  const limit = setTimeout(() => machine.kill(), 200_000);
  const lines: string[] = [];
  for await (const line of machine.lines) lines.push(line);
  clearTimeout(limit);
  const console = machine.console.bytes().toString('latin1');
  return { exit: await machine.exited, said: lines.join('\n'), console };
}

describe('a disk is booted', () => {
  it('by BIOS; a panic is told by QEMU itself where the guest has the driver', async () => {
    const how = { kind: 'firmware', firmware: 'bios' } as const;
    const { exit, said, console } = await boot('bios', 'end=panic', how, {
      machine: 'pc',
      controller: 'ide',
    });
    expect(said, console).toContain('@gva1 boot firmware=bios');
    expect(exit).toEqual({ status: 0, stderr: '', reason: 'guest-panic' });
  });

  it('by UEFI, with variables of its own', async () => {
    const variables = join(folder.path, 'variables.fd');
    const how = { kind: 'firmware', firmware: 'uefi', variables } as const;
    const original = await readFile(join(packages, 'usr/share/OVMF/OVMF_VARS_4M.fd'));
    const { exit, said, console } = await boot('uefi', '', how, {});
    expect(said, console).toContain('@gva1 boot firmware=uefi');
    expect(exit).toEqual({ status: 0, stderr: '', reason: 'guest-shutdown' });
    expect((await readFile(variables)).equals(original)).toBe(false);
    expect(await readFile(join(packages, 'usr/share/OVMF/OVMF_VARS_4M.fd'))).toEqual(original);
  });
});
