import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { acquireSettings, writeSources } from '../../src/base/debian/apt.js';
import { ownRelease } from '../../src/base/debian/own-release.js';
import { runTool } from '../../src/system/process.js';
import { temporaryFolder } from '../support/gva.js';

// By the real apt, with settings of our own: APT_CONFIG.

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeEach(async () => {
  folder = await temporaryFolder();
  for (const name of ['sources', 'lists/partial', 'cache/archives/partial', 'out'])
    await mkdir(join(folder.path, name), { recursive: true });
  await setApt('');
  vi.stubEnv('APT_CONFIG', join(folder.path, 'apt.conf'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await folder[Symbol.asyncDispose]();
});

const setApt = (more: string) =>
  writeFile(
    join(folder.path, 'apt.conf'),
    [
      `Dir::Etc::sourcelist "/dev/null"; Dir::Etc::sourceparts "${folder.path}/sources";`,
      `Dir::State::lists "${folder.path}/lists"; Dir::Cache "${folder.path}/cache";`,
      `APT::Architecture "amd64"; APT::Sandbox::User "root"; ${more}`,
    ].join('\n'),
  );

const source = (name: string, text: string) => writeFile(join(folder.path, 'sources', name), text);
const written = async (suite: 'bookworm' | 'trixie') =>
  Promise.all(
    (await writeSources(suite, join(folder.path, 'out'), 'amd64')).map((file) => readFile(file, 'utf8')),
  );

it('takes the entries of a suite as they stand, and of a stanza the suites that belong to it', async () => {
  await source(
    'one.list',
    '# mine\ndeb [signed-by=/k.gpg] http://a.invalid/d bookworm main contrib\ndeb http://a.invalid/d trixie main\n',
  );
  const stanza = (suites: string, more = '') =>
    `# why\nTypes: deb deb-src\nURIs: http://b.invalid/d\nSuites: ${suites}\nComponents: main\nSigned-By: /key.asc\n${more}`;
  await source(
    'two.sources',
    `# head\n\n${stanza('bookworm', 'Enabled: no\n')}\n${stanza('trixie\n bookworm-updates bookworm-backports')}\n\n${stanza('bookworm-security')}`,
  );
  const rest = 'Components: main\nSigned-By: /key.asc';
  expect(await written('bookworm')).toEqual([
    'deb [signed-by=/k.gpg] http://a.invalid/d bookworm main contrib\n',
    `Types: deb\nURIs: http://b.invalid/d\nSuites: bookworm-updates\n${rest}\n\n` +
      `Types: deb\nURIs: http://b.invalid/d\nSuites: bookworm-security\n${rest}\n`,
  ]);
});

it('knows a suite by the name that its archive gives it', async () => {
  const archive = join(folder.path, 'archive');
  await mkdir(join(archive, 'dists/stable/main/binary-amd64'), { recursive: true });
  await writeFile(join(archive, 'dists/stable/main/binary-amd64/Packages'), '');
  await writeFile(
    join(archive, 'dists/stable/Release'),
    'Origin: Debian\nSuite: stable\nCodename: trixie\nArchitectures: amd64\nComponents: main\nDate: Sat, 01 Jan 2000 00:00:00 UTC\n',
  );
  await source('here.list', `deb [trusted=yes] file:${archive} stable main\n`);
  await expect(written('trixie')).rejects.toMatchObject({ code: 'SUITE_MISSING' });
  await runTool('apt-get', ['update']);
  expect(await written('trixie')).toEqual([`deb [trusted=yes] file:${archive} stable main\n`]);
});

it('says which suite is missing, and what there is', async () => {
  await source('one.list', 'deb http://a.invalid/d bookworm main\n');
  await expect(written('trixie')).rejects.toMatchObject({
    code: 'SUITE_MISSING',
    message: "this machine's apt has no source of the suite trixie; it has bookworm",
    hint: expect.stringContaining('trixie-security') as string,
  });
});

it('takes proxies and the places of passwords along, and nothing that every apt knows', async () => {
  await setApt('Acquire::http::Proxy "http://proxy.invalid:3128"; Dir::Etc::netrc "/secret/auth";');
  const settings = await acquireSettings();
  expect(settings).toContain('Acquire::http::Proxy "http://proxy.invalid:3128";\n');
  expect(settings).toContain('Dir::Etc::netrc "/secret/auth";\n');
  expect(settings).not.toMatch(/IndexTargets|CompressionTypes|APT::Architecture|sourceparts/);
});

it('prefers the release of this machine where apt has others besides', async () => {
  const archive = join(folder.path, 'archive');
  const suite = async (name: string, codename: string, version: string) => {
    await mkdir(join(archive, `dists/${name}/main/binary-amd64`), { recursive: true });
    await writeFile(
      join(archive, `dists/${name}/main/binary-amd64/Packages`),
      `Package: tool\nVersion: ${version}\nArchitecture: amd64\nMaintainer: x\nFilename: tool_${version}.deb\nSize: 1\n` +
        `SHA256: ${'0'.repeat(64)}\nDescription: x\n`,
    );
    await writeFile(
      join(archive, `dists/${name}/Release`),
      `Origin: Debian\nSuite: ${name}\nCodename: ${codename}\nArchitectures: amd64\nComponents: main\nDate: Sat, 01 Jan 2000 00:00:00 UTC\n`,
    );
    await source(`${name}.list`, `deb [trusted=yes] file:${archive} ${name} main\n`);
  };
  const osRelease = join(folder.path, 'os-release');
  await writeFile(osRelease, 'ID=debian\nVERSION_CODENAME=bookworm\n');
  const candidate = async () => {
    const args = [...(await ownRelease(osRelease)), 'download', '--print-uris', 'tool'];
    return /tool_([\d.]+)\.deb/.exec((await runTool('apt-get', args)).toString())?.[1];
  };
  await suite('oldstable', 'bookworm', '1');
  await suite('oldstable-security', 'bookworm-security', '1.1');
  await runTool('apt-get', ['update']);
  expect(await ownRelease(osRelease)).toEqual([]);
  await suite('stable', 'trixie', '2');
  await runTool('apt-get', ['update']);
  expect((await runTool('apt-get', ['download', '--print-uris', 'tool'])).toString()).toContain('tool_2.deb');
  expect(await candidate()).toBe('1.1');
  await writeFile(osRelease, 'ID=other\nVERSION_CODENAME=noble\n');
  expect(await candidate()).toBe('2');
});
