import { chmod, mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fetchPackage, unpackPackage } from '../../src/base/debian-packages.js';
import { readModules } from '../../src/base/kernel-modules.js';
import type { Base } from '../../src/base/store.js';
import { type CpioEntry, cpioArchive } from '../../src/disk/cpio.js';

/** A kernel with nothing but an init of the test's own. */
export interface GuestKernel {
  /** As the distribution made it, which boot loaders and UEFI take. */
  readonly bzImage: string;
  readonly initrd: string;
}

/** Fetches and unpacks packages into the folder; runs nothing of theirs. */
export async function unpackPackages(names: readonly string[], folder: string): Promise<string> {
  for (const name of names) await unpackPackage((await fetchPackage(name)).file, folder);
  return folder;
}

/**
 * The kernel of the base, and an initrd whose init loads the modules named, runs the shell commands and powers
 * off. Descriptor 3 is the first serial port.
 */
export async function guestKernel(
  base: Base,
  folder: string,
  commands: string,
  modules: readonly string[],
): Promise<GuestKernel> {
  const packages = await unpackPackages(Object.keys(base.packages), join(folder, 'packages'));
  const [bzImage = ''] = (await readdir(join(packages, 'boot'))).filter((name) =>
    name.startsWith('vmlinuz-'),
  );
  const drivers = await readModules(join(packages, 'lib/modules', base.kernelRelease), modules);
  const busybox = (await readdir(packages)).includes('bin') ? 'bin/busybox' : 'usr/bin/busybox';
  const file = (path: string, mode: number, content: Uint8Array): CpioEntry => ({
    ...{ kind: 'file', path, mode, content },
  });
  const entries: CpioEntry[] = [
    ...['bin', 'dev', 'proc', 'sys', 'modules'].map((path): CpioEntry => ({ kind: 'directory', path })),
    file('bin/busybox', 0o755, await readFile(join(packages, busybox))),
    { kind: 'symlink', path: 'bin/sh', target: 'busybox' },
    file(
      'init',
      0o755,
      Buffer.from(
        initScript(
          drivers.map(({ name }) => name),
          commands,
        ),
      ),
    ),
    ...drivers.map(({ name, content }) => file(`modules/${name}.ko`, 0o644, content)),
  ];
  const initrd = join(folder, 'initrd.img');
  await writeFile(initrd, cpioArchive(entries));
  return { bzImage: join(packages, 'boot', bzImage), initrd };
}

const initScript = (modules: readonly string[], commands: string) => `#!/bin/sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
exec 3>/dev/ttyS0
for module in ${modules.join(' ')}; do insmod /modules/$module.ko; done
${commands}
poweroff -f
`;

/** An empty folder with a QEMU in it as a user may carry one, and firmware beside. */
export async function carriedQemu(program: string, folder: string): Promise<string> {
  await mkdir(join(folder, 'bin'), { recursive: true });
  const script = join(folder, 'bin/qemu-system-x86_64');
  await writeFile(script, `#!/bin/sh\nexec ${program} "$@"\n`);
  await chmod(script, 0o755);
  return folder;
}
