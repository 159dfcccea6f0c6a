import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { BaseManifest } from '../../src/model/base.js';
import { gva, temporaryFolder } from '../support/gva.js';

it('micro is built of the same inputs to the same bytes', async () => {
  const digests: string[] = [];
  for (let build = 0; build < 2; build++) {
    await using folder = await temporaryFolder();
    const { code, stderr } = await gva(['base', 'build', 'micro'], { XDG_DATA_HOME: folder.path });
    expect(code, stderr).toBe(0);
    const manifest = await readFile(join(folder.path, 'gva/bases/micro/current/base.json'), 'utf8');
    digests.push((JSON.parse(manifest) as BaseManifest).digest);
  }
  expect(digests[1]).toBe(digests[0]);
});
