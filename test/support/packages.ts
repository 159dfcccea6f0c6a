import { execFile } from 'node:child_process';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type ApplianceFolder, loadAppliance } from '../../src/appliance/load.js';
import { type PackOptions, packAppliance } from '../../src/appliance/pack.js';
import { digestText } from '../../src/system/files.js';
import { baseFiles, baseFolder } from '../../src/system/paths.js';

export const runProgram = promisify(execFile);

/** A base image `micro` that packs and unpacks like any other, but cannot boot. */
export async function installFakeBase(digest = 'b'.repeat(64)): Promise<void> {
  const folder = join(baseFolder('micro'), digest.slice(0, 16));
  await mkdir(folder, { recursive: true });
  const names = baseFiles;
  const contents = Object.entries(names).map(
    ([role, name]) => [role, name, Buffer.alloc(4096, role)] as const,
  );
  for (const [, name, content] of contents) await writeFile(join(folder, name), content);
  const file = (role: string) => {
    const [, name = '', content] = contents.find(([each]) => each === role) ?? [];
    return { name, size: content?.length ?? 0, sha256: digestText(content?.toString() ?? '') };
  };
  const manifest = {
    ...{ format: 1, contract: 1, os: 'linux', arch: 'x86_64', name: 'micro', description: 'none' },
    ...{ kernelRelease: '0', packages: {}, inputs: '', digest },
    files: {
      ...{ root: file('root'), kernel: file('kernel'), initrd: file('initrd') },
      disk: { ...file('disk'), kernelRelease: '6.1.0-test', rootOffset: 512, packages: {} },
    },
  };
  await writeFile(join(folder, baseFiles.manifest), JSON.stringify(manifest));
  await symlink(digest.slice(0, 16), join(baseFolder('micro'), 'current'));
}

/** Packs a folder and gives the package's path. */
export async function packFolder(
  folder: string | ApplianceFolder,
  target: string,
  options: PackOptions = {},
): Promise<string> {
  const source = typeof folder === 'string' ? await loadAppliance(folder) : folder;
  await packAppliance(source, target, options, () => undefined, new AbortController().signal);
  return target;
}
