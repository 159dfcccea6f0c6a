import { symlink, truncate, writeFile } from 'node:fs/promises';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { expandLayer } from '../../../src/base/oci/expand-layer.js';
import { openLayout } from '../../../src/base/oci/layout.js';
import { temporaryFolder } from '../../support/gva.js';
import { type Compression, type LayoutOptions, tarOf, writeLayout } from '../../support/oci-layout.js';

const tar = tarOf([{ path: 'hello', content: 'hello'.repeat(1000) }]);
const options = (more: Partial<LayoutOptions> = {}): LayoutOptions => ({ layers: [{ tar }], ...more });

async function problemOf(
  more: Partial<LayoutOptions>,
  damage?: (folder: string) => Promise<void>,
  tag?: string,
) {
  await using folder = await temporaryFolder();
  await writeLayout(folder.path, options(more));
  await damage?.(folder.path);
  try {
    const image = await openLayout(folder.path, tag);
    for (const [number, layer] of image.layers.entries())
      await expandLayer(layer, join(folder.path, `expanded-${number}`), 1 << 20);
    return 'none';
  } catch (error) {
    return String(error);
  }
}

describe('an OCI image layout', () => {
  it.each(['none', 'gzip', 'zstd'] as Compression[])(
    'is read with layers of compression %s',
    async (compression) => {
      await using folder = await temporaryFolder();
      const config = { Env: ['A=b'], User: '1000', Entrypoint: ['/x'], Cmd: null };
      await writeLayout(folder.path, { layers: [{ tar, compression }], config, tag: 'latest' });
      for (const tag of [undefined, 'latest']) {
        const { layers, digest, config: read } = await openLayout(folder.path, tag);
        expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);
        expect(read.config).toEqual(config);
        const [layer] = layers;
        if (!layer) throw new Error('no layer');
        expect(await expandLayer(layer, join(folder.path, `tar-${tag ?? ''}`), tar.length)).toBe(tar.length);
      }
    },
  );

  const blobs = (folder: string) =>
    readdirSync(join(folder, 'blobs/sha256')).map((name) => join(folder, 'blobs/sha256', name));

  it.each([
    [
      'is none',
      {},
      (folder: string) => writeFile(join(folder, 'index.json'), '{"schemaVersion":2}'),
      'index.json: manifests',
    ],
    ['has no JSON', {}, (folder: string) => writeFile(join(folder, 'index.json'), 'x'), 'no JSON'],
    [
      'has another version',
      {},
      (folder: string) => writeFile(join(folder, 'oci-layout'), '{"imageLayoutVersion":"2.0.0"}'),
      'not of version 1',
    ],
    ['is for another processor', { architecture: 'arm64' }, undefined, 'linux/arm64'],
    [
      'has damaged blobs',
      {},
      async (folder: string) => {
        for (const blob of blobs(folder)) await writeFile(blob, '{}');
      },
      'has not the digest',
    ],
    [
      'has a document that never ends',
      {},
      (folder: string) => truncate(join(folder, 'index.json'), 1 << 30),
      'too long',
    ],
    [
      'has a layer that is not there',
      {
        spoil: ({ manifest }) => {
          manifest.layers = manifest.layers.map((each) => ({ ...each, digest: `sha256:${'0'.repeat(64)}` }));
        },
      },
      undefined,
      'is not there',
    ],
    [
      'has a digest that leads elsewhere',
      {
        spoil: ({ manifest }) => {
          manifest.layers = manifest.layers.map((each) => ({
            ...each,
            digest: 'sha256:../../../../etc/passwd',
          }));
        },
      },
      undefined,
      'must be sha256',
    ],
    [
      'has a layer of another size',
      {
        spoil: ({ manifest }) => {
          manifest.layers = manifest.layers.map((each) => ({ ...each, size: 1 }));
        },
      },
      undefined,
      'has not the digest',
    ],
    [
      'has a layer of other content than it says',
      {
        spoil: ({ config }) => {
          config.rootfs.diff_ids = [`sha256:${'0'.repeat(64)}`];
        },
      },
      undefined,
      "is not what the image's configuration says",
    ],
    [
      'has more layers than its configuration',
      {
        spoil: ({ config }) => {
          config.rootfs.diff_ids = [];
        },
      },
      undefined,
      'knows 0 layers, and it has 1',
    ],
    [
      'has a layer that is encrypted',
      {
        spoil: ({ manifest }) => {
          manifest.layers = manifest.layers.map((each) => ({
            ...each,
            mediaType: `${each.mediaType}+encrypted`,
          }));
        },
      },
      undefined,
      'unknown type',
    ],
    [
      'has a layer that grows beyond all bounds',
      { layers: [{ tar: Buffer.alloc(2 << 20) }] },
      undefined,
      'would take more than',
    ],
    [
      'has the same, by zstd',
      { layers: [{ tar: Buffer.alloc(2 << 20), compression: 'zstd' }] },
      undefined,
      'would take more than',
    ],
    [
      'has several images',
      {
        spoil: ({ index }) => {
          index.manifests.push({
            mediaType: 'application/vnd.oci.image.manifest.v1+json',
            digest: `sha256:${'1'.repeat(64)}`,
            size: 2,
          });
        },
      },
      undefined,
      'several images',
    ],
  ] as [string, Partial<LayoutOptions>, ((folder: string) => Promise<void>) | undefined, string][])(
    'that %s is refused',
    async (_name, more, damage, problem) => {
      expect(await problemOf(more, damage)).toContain(problem);
    },
  );

  it('names its images where the one that is asked for is not there', async () => {
    await using folder = await temporaryFolder();
    await writeLayout(folder.path, options({ tag: 'v1' }));
    await expect(openLayout(folder.path, 'v2')).rejects.toMatchObject({ hint: 'It has: v1.' });
  });

  it('that has a damaged compression is refused', async () => {
    const spoiled: LayoutOptions['layers'][number] = { tar, compression: 'zstd' };
    expect(await problemOf({ layers: [spoiled] })).toBe('none');
    const cut = await problemOf({
      layers: [{ tar: Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 1, 2, 3, 4]), compression: 'none' }],
    });
    expect(cut).toContain('cannot be expanded');
  });

  it('is not looked for behind a link in a circle', async () => {
    await using folder = await temporaryFolder();
    await symlink('index.json', join(folder.path, 'index.json'));
    await expect(openLayout(folder.path)).rejects.toMatchObject({ code: 'OCI_LAYOUT' });
  });
});
