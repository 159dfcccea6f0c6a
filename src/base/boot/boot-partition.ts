import { readFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { imageDate } from '../../disk/ext4-image.js';
import { writeFat } from '../../disk/fat/index.js';
import type { MediumEntry } from '../../disk/medium-entry.js';
import { runTool } from '../../system/process.js';
import { portableCommandLine } from './portable-kernel.js';

/** Debian packages of the boot loaders; mtools is what SYSLINUX's installer writes files by. */
export const loaderPackages = ['syslinux', 'syslinux-common', 'mtools', 'systemd-boot-efi'] as const;

export interface BootPartition {
  /** Where loaderPackages were unpacked. */
  loaders: string;
  /** The bzImage. */
  kernel: string;
  initrd: Buffer;
  /** Sectors of the disk before the partition. */
  firstSector: number;
}

/**
 * Makes the EFI system partition, a FAT16 volume, as a file of its own. Kernel and initrd are on it once, for SYSLINUX
 * (BIOS) and systemd-boot (UEFI, at the path of removable media: UEFI specification 2.10, 3.5.1.1).
 *
 * @returns its size in bytes
 */
export async function makeBootPartition(file: string, partition: BootPartition): Promise<number> {
  const { loaders, kernel, initrd, firstSector } = partition;
  const entry = (path: string, content: string | Buffer): MediumEntry => ({
    ...{ kind: 'file', path },
    content: Buffer.from(content),
  });
  const efiLoader = join(loaders, 'usr/lib/systemd/boot/efi/systemd-bootx64.efi');
  const entries = [
    entry('vmlinuz', await readFile(kernel)),
    entry('initrd.img', initrd),
    entry('syslinux.cfg', syslinuxConfig),
    entry('EFI/BOOT/BOOTX64.EFI', await readFile(efiLoader)),
    entry('loader/loader.conf', 'timeout 0\neditor no\ndefault gva.conf\n'),
    entry('loader/entries/gva.conf', loaderEntry),
  ];
  const size = sizeFor(entries);
  await writeFat(file, entries, { label: 'GVA-BOOT', type: 'fat16', size, date: imageDate, firstSector });
  await installSyslinux(loaders, file);
  return size;
}

/** Its own files, `ldlinux.sys` and `ldlinux.c32`, the tables of the FAT and the root directory. */
const reserve = 512 << 10;

function sizeFor(entries: readonly MediumEntry[]): number {
  const bytes = entries.reduce(
    (sum, entry) =>
      sum + (entry.kind === 'file' && entry.content instanceof Uint8Array ? entry.content.length : 0),
    0,
  );
  return Math.ceil((bytes + reserve) / 2 ** 20) * 2 ** 20;
}

const syslinuxConfig = [
  'default gva',
  'prompt 0',
  'noescape 1',
  'label gva',
  '  linux vmlinuz',
  '  initrd initrd.img',
  `  append ${portableCommandLine}`,
  '',
].join('\n');

/** Boot Loader Specification, type 1. */
const loaderEntry = [
  'title GVA',
  'linux /vmlinuz',
  'initrd /initrd.img',
  `options ${portableCommandLine}`,
  '',
].join('\n');

/** Writes SYSLINUX's boot sector and its two files, by its own installer; needs no root. */
async function installSyslinux(loaders: string, file: string): Promise<void> {
  const programs = join(loaders, 'usr/bin');
  await runTool(join(programs, 'syslinux'), ['--install', file], {
    env: {
      PATH: [programs, process.env['PATH']].join(delimiter),
      // A user's settings of mtools are none of ours; the same bytes every time.
      HOME: loaders,
      TZ: 'UTC',
      SOURCE_DATE_EPOCH: String(imageDate.getTime() / 1000),
    },
  });
}

/** SYSLINUX's code for a disk's first sector: it starts the partition that is marked as bootable. */
export const diskBootCode = (loaders: string): Promise<Buffer> =>
  readFile(join(loaders, 'usr/lib/syslinux/mbr/mbr.bin'));
