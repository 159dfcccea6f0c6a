import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fetchPackage, unpackPackage } from '../../src/base/debian-packages.js';
import { foreignApt } from '../../src/base/foreign-apt.js';
import { temporaryFolder } from './gva.js';

/** Debian's static busybox: a program that runs on any Linux of that architecture. */
export async function staticBusybox(arch: 'x86_64' | 'aarch64' = 'x86_64'): Promise<Buffer> {
  await using folder = await temporaryFolder();
  const apt = arch === 'x86_64' ? undefined : await foreignApt(arch);
  const { file } = await fetchPackage('busybox-static', undefined, apt);
  await unpackPackage(file, folder.path);
  const read = (path: string) => readFile(join(folder.path, path)).catch(() => undefined);
  const busybox = (await read('bin/busybox')) ?? (await read('usr/bin/busybox'));
  if (!busybox) throw new Error('the package busybox-static has no busybox');
  return busybox;
}
