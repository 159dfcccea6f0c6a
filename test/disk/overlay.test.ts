import { execFileSync } from 'node:child_process';
import { stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createOverlay } from '../../src/disk/qcow2/overlay.js';
import { temporaryFolder } from '../support/gva.js';

describe('a qcow2 overlay', () => {
  it.each([1 << 20, 64 << 20, (3 << 20) + 512, 2 ** 41])(
    'of a raw image of %i bytes is sound for qemu-img',
    async (size) => {
      await using folder = await temporaryFolder();
      const base = join(folder.path, 'base.img');
      await writeFile(base, 'content');
      await truncate(base, size);
      const overlay = join(folder.path, 'overlay');
      await createOverlay(overlay, base, size);
      execFileSync('qemu-img', ['check', '-q', '-f', 'qcow2', overlay]);
      const info = JSON.parse(
        execFileSync('qemu-img', ['info', '--output=json', overlay], { encoding: 'utf8' }),
      ) as object;
      expect(info).toMatchObject({
        ...{
          format: 'qcow2',
          'virtual-size': size,
          'backing-filename': base,
          'backing-filename-format': 'raw',
        },
        'cluster-size': 65536,
      });
      expect((await stat(overlay)).blocks * 512).toBeLessThanOrEqual(20 << 10);
      if (size < 2 ** 30)
        execFileSync('qemu-img', ['compare', '-q', '-f', 'qcow2', '-F', 'raw', overlay, base]);
    },
  );

  it('takes writes without touching what is below', async () => {
    await using folder = await temporaryFolder();
    const [base, overlay] = [join(folder.path, 'base.img'), join(folder.path, 'overlay')];
    await writeFile(base, Buffer.alloc(1 << 20, 7));
    await createOverlay(overlay, base, 1 << 20);
    execFileSync('qemu-io', [
      '-f',
      'qcow2',
      '-c',
      'write -P 9 65000 5000',
      '-c',
      'read -P 7 0 65000',
      '-c',
      'read -P 9 65000 5000',
      overlay,
    ]);
    execFileSync('qemu-img', ['check', '-q', '-f', 'qcow2', overlay]);
    expect((await import('node:fs')).readFileSync(base).every((byte) => byte === 7)).toBe(true);
  });

  it('may be larger than what it lies on, and lie on another overlay', async () => {
    await using folder = await temporaryFolder();
    const [base, middle, top] = ['base', 'middle', 'top'].map((name) => join(folder.path, name));
    await writeFile(base!, Buffer.alloc(1 << 20, 7));
    await createOverlay(middle!, base!, 1 << 20);
    execFileSync('qemu-io', ['-f', 'qcow2', '-c', 'write -P 9 65536 4096', middle!]);
    await createOverlay(top!, middle!, 64 << 20, 'qcow2');
    execFileSync('qemu-img', ['check', '-q', '-f', 'qcow2', top!]);
    const reads = ['read -P 7 0 65536', 'read -P 9 65536 4096', 'read -P 0 1048576 65536'];
    const said = execFileSync(
      'qemu-io',
      [...['-r', '-f', 'qcow2'], ...reads.flatMap((read) => ['-c', read]), top!],
      { encoding: 'utf8' },
    );
    expect(said).not.toMatch(/verification failed/);
    expect(said.match(/^read /gm)).toHaveLength(3);
  });

  it('is not made over a file that exists', async () => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, 'overlay'), '');
    await expect(createOverlay(join(folder.path, 'overlay'), '/base', 512)).rejects.toMatchObject({
      code: 'EEXIST',
    });
  });
});
