import { chmod, mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { guestFile } from '../../system/package.js';
import { runTool } from '../../system/process.js';
import type { KernelModule } from '../kernel-modules.js';
import { installGvad, installProgram, mediaFolders, standardStreams, writeModules } from '../root-files.js';
import { temporarySettings } from './bootstrap.js';
import type { DebianProfile } from './options.js';

export interface DebianRootSources {
  /** What bootstrap() made. */
  readonly archive: string;
  readonly profile: DebianProfile;
  readonly busybox: string;
  /** Kernel release to the modules for it. */
  readonly modules: ReadonlyMap<string, readonly KernelModule[]>;
}

/**
 * Unpacks a Debian system into a new folder and makes a base's root of it. What only root can give to files is left
 * out: tarAttributes() has it.
 *
 * @returns `wake`: whether the guest can be woken
 */
export async function writeDebianRoot(
  root: string,
  { archive, profile, busybox, modules }: DebianRootSources,
  signal?: AbortSignal,
): Promise<{ readonly wake: boolean }> {
  await mkdir(root);
  // Devices are the kernel's own.
  const args = ['-x', '-p', '--no-same-owner', '--exclude=./dev/*', '-f', archive, '-C', root];
  await runTool('tar', args, signal ? { signal } : {});
  // Some files nobody but root can read; tarAttributes() has their modes.
  await runTool('chmod', ['-R', 'u+rw', root], signal ? { signal } : {});
  await forgetHost(root);
  for (const name of mediaFolders) await mkdir(join(root, name), { recursive: true });
  const installed = await installGvad(root);
  await installProgram(busybox, join(root, 'usr/lib/gva/busybox'));
  await symlink('busybox', join(root, 'usr/lib/gva/modprobe'));
  for (const [release, list] of modules) await writeModules(join(root, 'usr/lib/modules', release), list);
  await (profile === 'quick' ? bootQuickly(root) : bootBySystemd(root));
  return installed;
}

/** Takes out what mmdebstrap brings of this machine: where it fetches packages, its name, its resolver. */
async function forgetHost(root: string): Promise<void> {
  for (const name of [temporarySettings, 'etc/apt/sources.list', 'etc/resolv.conf'])
    await rm(join(root, name), { force: true });
  const sources = join(root, 'etc/apt/sources.list.d');
  for (const name of await readdir(sources)) await rm(join(sources, name));
  await writeText(root, { 'etc/hostname': 'gva\n', 'etc/hosts': '127.0.0.1 localhost gva\n' });
}

async function bootQuickly(root: string): Promise<void> {
  // A package may have brought another init.
  await rm(join(root, 'usr/sbin/init'), { force: true });
  await installProgram(guestFile('debian/init'), join(root, 'usr/sbin/init'));
  const dev = join(root, 'usr/lib/gva/dev');
  for (const name of ['pts', 'shm']) await mkdir(join(dev, name), { recursive: true });
  for (const [name, target] of Object.entries(standardStreams)) await symlink(target, join(dev, name));
  await writeText(root, {
    'etc/fstab': [
      'sys /sys sysfs defaults 0 0',
      'tmp /tmp tmpfs mode=1777 0 0',
      'run /run tmpfs mode=755 0 0',
      'shm /dev/shm tmpfs mode=1777 0 0',
      'pts /dev/pts devpts gid=5,mode=620 0 0',
      '',
    ].join('\n'),
  });
}

/**
 * Units that a batch guest has no use for: logins, upkeep of disks and packages, what is kept from boot to boot, file
 * systems for administrators, devices that the kernel makes itself.
 */
const maskedUnits = [
  ...['getty.target', 'systemd-logind.service', 'systemd-user-sessions.service', 'systemd-initctl.socket'],
  ...['systemd-ask-password-wall.path', 'systemd-ask-password-console.path', 'systemd-networkd.service'],
  ...['systemd-networkd.socket', 'systemd-resolved.service', 'systemd-timesyncd.service'],
  ...[
    'apt-daily.timer',
    'apt-daily-upgrade.timer',
    'dpkg-db-backup.timer',
    'e2scrub_all.timer',
    'fstrim.timer',
  ],
  ...['systemd-tmpfiles-clean.timer', 'e2scrub_reap.service', 'systemd-random-seed.service'],
  ...['systemd-update-utmp.service', 'systemd-update-utmp-runlevel.service', 'systemd-pstore.service'],
  ...['systemd-machine-id-commit.service', 'systemd-journal-flush.service', 'systemd-update-done.service'],
  ...['systemd-journal-catalog-update.service', 'systemd-journald-audit.socket', 'systemd-firstboot.service'],
  ...[
    'ldconfig.service',
    'systemd-hwdb-update.service',
    'systemd-remount-fs.service',
    'systemd-sysusers.service',
  ],
  ...['systemd-tmpfiles-setup-dev.service', 'systemd-modules-load.service', 'kmod-static-nodes.service'],
  ...[
    'modprobe@.service',
    'proc-sys-fs-binfmt_misc.automount',
    'systemd-binfmt.service',
    'dev-hugepages.mount',
  ],
  ...['dev-mqueue.mount', 'sys-kernel-config.mount', 'sys-kernel-debug.mount', 'sys-kernel-tracing.mount'],
  ...['sys-fs-fuse-connections.mount'],
];

/** Programs that systemd starts first of all, to make units of what they find: kernel options, partitions, logins. */
const maskedGenerators = [
  ...['bless-boot', 'cryptsetup', 'debug', 'getty', 'gpt-auto', 'hibernate-resume', 'integritysetup', 'run'],
  ...['system-update', 'tpm2', 'veritysetup'],
].map((name) => `systemd-${name}-generator`);

async function bootBySystemd(root: string): Promise<void> {
  const units = join(root, 'etc/systemd/system');
  await mkdir(join(units, 'sysinit.target.wants'), { recursive: true });
  await installText(guestFile('systemd/gvad.service'), join(units, 'gvad.service'));
  await installText(guestFile('debian/gvad.conf'), join(units, 'gvad.service.d/gva.conf'));
  await symlink('../gvad.service', join(units, 'sysinit.target.wants/gvad.service'));
  for (const unit of maskedUnits) await link('/dev/null', join(units, unit));
  for (const name of maskedGenerators)
    await link('/dev/null', join(root, 'etc/systemd/system-generators', name));
  await link('/lib/systemd/system/multi-user.target', join(units, 'default.target'));
  await writeText(root, {
    // Empty: every instance gets its own, and none is a first boot (machine-id(5)).
    'etc/machine-id': '',
    // Debian's would empty /tmp while GVAD works there.
    'etc/tmpfiles.d/tmp.conf': 'd /tmp 1777 root root -\nd /var/tmp 1777 root root -\n',
    'etc/fstab': '',
  });
}

async function installText(source: string, target: string): Promise<void> {
  await installProgram(source, target);
  await chmod(target, 0o644);
}

async function link(target: string, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await rm(path, { force: true });
  await symlink(target, path);
}

async function writeText(root: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    // What is there may be a link.
    await rm(join(root, name), { force: true });
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), text, { mode: 0o644 });
  }
}
