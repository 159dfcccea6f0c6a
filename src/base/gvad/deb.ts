import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { imageDate } from '../../disk/ext4-image.js';
import { publishFile } from '../../system/files.js';
import { packageVersion } from '../../system/package.js';
import { runTool } from '../../system/process.js';
import { installerFile } from './files.js';

interface PackedFile {
  readonly text: string | Buffer;
  readonly mode: number;
}

/**
 * Makes a Debian package of GVAD for any architecture: the service for systemd and sysvinit, which its scripts enable.
 * Same version, same bytes. Needs dpkg-deb.
 */
export async function writeGvadPackage(file: string): Promise<void> {
  const work = await mkdtemp(join(tmpdir(), 'gva-deb-'));
  try {
    const root = join(work, 'gvad');
    for (const [path, { text, mode }] of Object.entries(await packageContent())) {
      const target = join(root, path);
      await mkdir(dirname(target), { recursive: true, mode: 0o755 });
      await writeFile(target, text);
      await chmod(target, mode);
    }
    // Folders as everybody's are, whatever this user's mask.
    await runTool('find', [root, '-type', 'd', '-exec', 'chmod', '755', '{}', '+']);
    await publishFile(file, async (temporary) => {
      await runTool('dpkg-deb', ['--root-owner-group', '-Zxz', '--build', root, temporary], {
        env: { SOURCE_DATE_EPOCH: String(imageDate.getTime() / 1000) },
      });
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function packageContent(): Promise<Record<string, PackedFile>> {
  const [program, text] = [0o755, 0o644];
  const of = async (name: Parameters<typeof installerFile>[0], mode: number) => ({
    ...{ text: await installerFile(name), mode },
  });
  return {
    'DEBIAN/control': { text: control(), mode: text },
    'DEBIAN/conffiles': { text: '/etc/init.d/gvad\n', mode: text },
    'DEBIAN/postinst': { text: postinst, mode: program },
    'DEBIAN/postrm': { text: postrm, mode: program },
    'usr/sbin/gvad': await of('gvad', program),
    'usr/sbin/gvad-ovf-env': await of('gvad-ovf-env', program),
    'lib/systemd/system/gvad.service': await of('gvad.service', text),
    'etc/init.d/gvad': await of('gvad.sysvinit', program),
    'usr/share/doc/gvad/copyright': { text: copyright, mode: text },
    'usr/share/doc/gvad/changelog.gz': { text: gzipSync(changelog(), { level: 9 }), mode: text },
  };
}

const control = () =>
  [
    'Package: gvad',
    `Version: ${packageVersion()}`,
    'Architecture: all',
    'Maintainer: GVA developers <gva@localhost>',
    'Section: admin',
    'Priority: optional',
    'Depends: mount',
    'Recommends: e2fsprogs',
    'Description: Grid Virtual Appliance Daemon',
    ' Makes this system a guest for batch work: at boot, it mounts the disks of an',
    ' appliance by their labels, runs its scripts, says on the first serial port how',
    ' they go, and powers the machine off when they are done.',
    '',
  ].join('\n');

/** DPKG_ROOT is not empty where dpkg works on another system than the one that runs (dpkg(1)). */
const postinst = `#!/bin/sh
set -e
[ "$1" = configure ] || exit 0
units=\${DPKG_ROOT:-}/etc/systemd/system
mkdir -p "$units/multi-user.target.wants"
ln -sf /lib/systemd/system/gvad.service "$units/multi-user.target.wants/gvad.service"
# The line of the events is GVAD's alone: a login there would hang it up.
login=$units/serial-getty@ttyS0.service
if [ ! -e "$login" ] && [ ! -L "$login" ]; then ln -s /dev/null "$login"; fi
for level in 2 3 4 5; do
	folder=\${DPKG_ROOT:-}/etc/rc$level.d
	[ ! -d "$folder" ] || ln -sf ../init.d/gvad "$folder/S99gvad"
done
if [ -z "\${DPKG_ROOT:-}" ] && [ -d /run/systemd/system ]; then systemctl daemon-reload || true; fi
`;

const postrm = `#!/bin/sh
set -e
case $1 in remove | purge) ;; *) exit 0 ;; esac
units=\${DPKG_ROOT:-}/etc/systemd/system
rm -f "$units/multi-user.target.wants/gvad.service"
if [ "$(readlink "$units/serial-getty@ttyS0.service")" = /dev/null ]; then rm -f "$units/serial-getty@ttyS0.service"; fi
for level in 2 3 4 5; do rm -f "\${DPKG_ROOT:-}/etc/rc$level.d/S99gvad"; done
if [ -z "\${DPKG_ROOT:-}" ] && [ -d /run/systemd/system ]; then systemctl daemon-reload || true; fi
`;

const copyright = `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: gva

Files: *
Copyright: GVA developers
License: Apache-2.0
 On Debian systems, the text of the license is in /usr/share/common-licenses/Apache-2.0.
`;

const changelog = () => `gvad (${packageVersion()}) unstable; urgency=low

  * As of GVA ${packageVersion()}.

 -- GVA developers <gva@localhost>  ${imageDate.toUTCString().replace('GMT', '+0000')}
`;
