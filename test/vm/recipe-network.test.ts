import { mkdir, readFile, realpath, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openExt4 } from '../../src/disk/ext4/index.js';
import { openRaw } from '../../src/disk/source.js';
import { loadDirectBase } from '../../src/base/store.js';
import { gva, temporaryFolder } from '../support/gva.js';

it('a step that asks for the network reaches this machine, and no other step does', async () => {
  await using folder = await temporaryFolder();
  const env = { XDG_DATA_HOME: join(folder.path, 'data'), XDG_CACHE_HOME: join(folder.path, 'cache') };
  const micro = await loadDirectBase('micro');
  await mkdir(join(folder.path, 'data/gva/bases'), { recursive: true });
  await symlink(await realpath(join(micro.folder, '..')), join(folder.path, 'data/gva/bases/micro'));
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.end('from the host\n');
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  try {
    const { port } = server.address() as AddressInfo;
    // The wget of a static busybox looks for the names of services, by libraries that micro has not.
    const ask = (path: string) => `printf "GET /${path} HTTP/1.0\\r\\n\\r\\n" | nc -w 60 10.0.2.2 ${port}`;
    const steps = [
      `run: '! ${ask('without')} 2>/etc/refused && ls /sys/class/net >/etc/cards'`,
      `run: 'yes all of this goes | head -c 200000 >/waste; sync; rm /waste; ${ask('with')} >/etc/got'\n    network: true`,
    ];
    const file = join(folder.path, 'base.yaml');
    await writeFile(
      file,
      `name: fetched\nfrom: micro\nsteps:\n${steps.map((step) => `  - ${step}\n`).join('')}`,
    );
    const { code, stderr } = await gva(['base', 'build', file], env);
    expect(code, stderr).toBe(0);
    expect(asked).toEqual(['/with']);
    const root = join(folder.path, 'data/gva/bases/fetched/current/root.img');
    // QEMU discards what a step removes, as User-mode Linux does (recipe.test.ts).
    expect((await readFile(root)).includes('all of this goes\n')).toBe(false);
    await using source = await openRaw(root);
    const tree = await openExt4(source);
    const read = async (name: string) => (await tree.readFileBytes(`etc/${name}`, 1000)).toString();
    expect(await read('got')).toMatch(/^HTTP\/1\.[01] 200 OK[^]*from the host\n$/);
    expect(await read('refused')).toContain('Network is unreachable');
    expect(await read('cards')).toBe('lo\n');
    // Nothing of the machine's network stays.
    await expect(tree.lookup('etc/resolv.conf')).rejects.toThrow();
  } finally {
    server.close();
  }
});
