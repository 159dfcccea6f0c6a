import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DirectBase } from '../../src/base/store.js';
import { requireTool } from './tools.js';

/** A login of systemd's on the first serial port, as an image of some cloud has; without udev it waits for no device. */
const login = `[Service]
ExecStart=-/sbin/agetty --autologin root --noclear ttyS0 vt220
Type=idle
Restart=always
StandardInput=tty
StandardOutput=tty
TTYPath=/dev/ttyS0
TTYReset=yes
TTYVHangup=yes
`;

const units = '/etc/systemd/system';
const wants = `${units}/multi-user.target.wants`;

const loginRequests = (unit: string) => [
  `write ${unit} /usr/lib/systemd/system/serial-getty@ttyS0.service`,
  `mkdir ${wants}`,
  `symlink ${wants}/serial-getty@ttyS0.service /lib/systemd/system/serial-getty@ttyS0.service`,
];

/**
 * A disk of Debian with systemd that knows nothing of GVA: the portable disk of a base, without GVAD.
 *
 * @param hasLogin root is logged in on the first serial port
 * @returns path of a qcow2 image
 */
export function foreignDebianDisk(base: DirectBase, folder: string, hasLogin = true): string {
  const { disk } = base.files;
  if (!disk) throw new Error(`${base.name} has no portable disk`);
  const raw = join(folder, 'foreign.raw');
  execFileSync('cp', ['--sparse=always', '--no-preserve=mode', join(base.folder, disk.name), raw]);
  const unit = join(folder, 'login.service');
  writeFileSync(unit, login);
  const requests = [
    ...['gvad', 'gvad-ovf-env', 'gvad-wake'].map((name) => `rm /usr/sbin/${name}`),
    ...['app', 'data', 'output', 'cdrom', 'floppy'].map((name) => `rmdir /${name}`),
    `rm ${units}/sysinit.target.wants/gvad.service`,
    `rm ${units}/gvad.service.d/gva.conf`,
    `rm ${units}/gvad.service`,
    // What the kernel calls for a module.
    'rm /usr/sbin/modprobe',
    'symlink /usr/sbin/modprobe /usr/lib/gva/modprobe',
    ...(hasLogin ? loginRequests(unit) : []),
  ];
  const commands = join(folder, 'commands');
  writeFileSync(commands, `${requests.join('\n')}\n`);
  execFileSync(requireTool('debugfs'), ['-w', '-f', commands, `${raw}?offset=${disk.rootOffset}`], {
    stdio: 'pipe',
  });
  const image = join(folder, 'foreign.qcow2');
  execFileSync(requireTool('qemu-img'), ['convert', '-f', 'raw', '-O', 'qcow2', raw, image]);
  return image;
}
