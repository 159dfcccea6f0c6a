import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type BaseDescription, publishBase } from '../../src/base/store.js';
import type { BaseManifest } from '../../src/model/base.js';
import { ensureFolder } from '../../src/system/files.js';
import { baseFiles, basesFolder } from '../../src/system/paths.js';

/** Publishes a base of four small files that no machine can boot; another `content` makes another digest. */
export async function publishTestBase(
  name: string,
  description: Partial<BaseDescription> = {},
  content = name,
): Promise<BaseManifest> {
  const folder = join(await ensureFolder(basesFolder()), `.build-${name}=test`);
  await mkdir(folder);
  const root = Buffer.alloc(256 << 10);
  root.write(content, 128 << 10);
  await writeFile(join(folder, baseFiles.root), root);
  for (const file of [baseFiles.kernel, baseFiles.initrd]) await writeFile(join(folder, file), content);
  // As of a real one: a boot partition, then the bytes of the root.
  await writeFile(join(folder, baseFiles.disk), Buffer.concat([Buffer.alloc(64 << 10, 'boot'), root]));
  return await publishBase(folder, {
    ...{ name, description: `base ${name}`, kernelRelease: '6.1', packages: {}, inputs: name },
    portable: { kernelRelease: '6.1', rootOffset: 64 << 10, packages: {} },
    ...description,
  });
}
