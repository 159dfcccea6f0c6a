import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadDirectBase } from '../../src/base/store.js';
import { cpioArchive } from '../../src/disk/cpio.js';
import { packageRoot } from '../../src/system/package.js';

export const peerScript = (name: string) => join(packageRoot, 'bench/peers', name);

/** The kernel of micro, and its initrd with an init of our own: what plain-qemu boots. */
export async function writePlainImages(folder: string): Promise<void> {
  const { folder: base, files } = await loadDirectBase('micro');
  await copyFile(join(base, files.kernel.name), join(folder, 'vmlinux'));
  const content = await readFile(peerScript('plain-init'));
  const init = cpioArchive([{ kind: 'file', path: 'init', mode: 0o755, content }]);
  const first = await readFile(join(base, files.initrd.name));
  // Archives that follow one another begin at multiples of four; what comes later replaces what came before.
  const padding = Buffer.alloc((4 - (first.length % 4)) % 4);
  await writeFile(join(folder, 'initrd'), Buffer.concat([first, padding, init]));
}
