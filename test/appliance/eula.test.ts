import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readEula } from '../../src/appliance/eula.js';
import { loadAppliance } from '../../src/appliance/load.js';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gva-eula-'));
  await mkdir(join(folder, 'app/empty'), { recursive: true });
  await mkdir(join(folder, 'outside'));
  await writeFile(join(folder, 'outside/secret'), 'secret');
  await symlink('../outside/secret', join(folder, 'app/link'));
  await symlink('../outside', join(folder, 'app/door'));
  execFileSync('mkfifo', [join(folder, 'app/pipe')]);
  const files = {
    plain: '\ufeffDo what\r\nyou like.\n\fGrüße\n',
    latin: Buffer.from([0x47, 0x72, 0xfc]),
    control: 'a\x1b[31m',
    blank: '\n',
    long: 'x'.repeat((256 << 10) + 1),
  };
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, 'app', name), content);
  await writeFile(join(folder, 'gva.yaml'), 'name: x\nrun: y\neula: { file: app/plain }\n');
});

afterAll(() => rm(folder, { recursive: true, force: true }));

it('reads the text of the licence', async () => {
  const text = 'Do what\nyou like.\nGrüße\n';
  expect(readEula(folder, 'app/plain')).toEqual({ text });
  expect((await loadAppliance(folder)).appliance.eula).toBe(text);
});

it.each([
  ['link', 'must not be reached by a symbolic link'],
  ['door/secret', 'must not be reached by a symbolic link'],
  ['pipe', 'is no regular file'],
  ['empty', 'is no regular file'],
  ['nothing', 'there is no such file'],
  ['latin', 'is no UTF-8 text'],
  ['control', 'has control characters in it'],
  ['blank', 'is empty'],
  ['long', 'is longer than 256 KiB'],
])('refuses app/%s: %s', (name, problem) => {
  expect(readEula(folder, `app/${name}`)).toEqual({ problem });
});
