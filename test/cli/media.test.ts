import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fatBytes } from '../../src/disk/fat/index.js';
import { isoBytes, type MediumEntry } from '../../src/disk/iso9660/index.js';
import { evilIso, file } from '../disk/evil-iso9660.js';
import { run } from '../disk/ext4-fixture.js';
import { eventually, gva, gvaProgram, temporaryFolder, type Outcome } from '../support/gva.js';

/** A name that would clear the screen and forge a line. */
const evilName = '\x1b[2Jfile\nok: all good\u202e';
const shownName = '\\x1b[2Jfile\\x0aok: all good\\xe2\\x80\\xae';

const entries: MediumEntry[] = [
  { kind: 'file', path: 'b/script.sh', content: Buffer.from('#!/bin/sh\n'), mode: 0o755 },
  { kind: 'symlink', path: 'b/link', target: 'script.sh' },
  file('a', 'contents'),
];

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  folder = await temporaryFolder();
  await save('cd.iso', isoBytes(entries, { volumeId: 'OVF ENV' }));
  await save('evil.iso', isoBytes([...entries, file(evilName), outside], { volumeId: 'EVIL' }));
  await save('floppy', fatBytes([file('a', 'contents')], { label: 'FLOPPY' }));
  run('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', at('cd.iso'), at('cd.qcow2')]);
  await save('blank', Buffer.alloc(1 << 20));
});
afterAll(() => folder[Symbol.asyncDispose]());

const outside: MediumEntry = { kind: 'symlink', path: 'out', target: '/etc/passwd' };
const at = (name: string): string => join(folder.path, name);
const save = (name: string, bytes: Uint8Array): Promise<void> => writeFile(at(name), bytes);
const inFolder = (...args: string[]): Promise<Outcome> => gva(args, {}, folder.path);

describe('gva ls', () => {
  it('lists a folder by name, a file alone, and everything below', async () => {
    expect(await inFolder('ls', 'cd.iso')).toEqual({ code: 0, stdout: 'a\nb\n', stderr: '' });
    expect(await inFolder('ls', 'cd.qcow2', '/b/')).toMatchObject({ code: 0, stdout: 'link\nscript.sh\n' });
    expect(await inFolder('ls', 'floppy', 'a')).toMatchObject({ code: 0, stdout: 'a\n' });
    const { stdout } = await inFolder('ls', 'cd.iso', '-R');
    expect(stdout.split('\n').sort()).toEqual(['', 'a', 'b', 'b/link', 'b/script.sh']);
  });

  it('tells mode, owner, size, time and target', async () => {
    expect((await inFolder('ls', '-l', 'cd.iso', 'b')).stdout).toBe(
      [
        'lrwxrwxrwx 0:0                  9 2000-01-01 00:00 link -> script.sh',
        '-rwxr-xr-x 0:0                 10 2000-01-01 00:00 script.sh\n',
      ].join('\n'),
    );
  });

  it('prints JSON', async () => {
    const { stdout } = await inFolder('ls', '--json', 'cd.iso', 'b');
    const time = { mtime: '2000-01-01T00:00:00.000Z', uid: 0, gid: 0 };
    expect(JSON.parse(stdout)).toEqual({
      image: 'cd.iso',
      fileSystem: 'iso9660',
      label: 'OVF ENV',
      path: 'b',
      entries: [
        { path: 'link', kind: 'symlink', mode: '0777', size: 9, target: 'script.sh', ...time },
        { path: 'script.sh', kind: 'file', mode: '0755', size: 10, ...time },
      ],
      complete: true,
      findingCount: 0,
      findings: [],
    });
    const empty = isoBytes([], { volumeId: 'EMPTY' });
    await save('empty.iso', empty);
    expect(JSON.parse((await inFolder('ls', '--json', 'empty.iso')).stdout)).toMatchObject({ entries: [] });
  });

  it('shows names so that they are harmless, and takes them like that', async () => {
    const { stdout } = await inFolder('ls', 'evil.iso');
    expect(stdout.split('\n')).toEqual([shownName, 'a', 'b', 'out', '']);
    expect(await inFolder('ls', 'evil.iso', shownName)).toMatchObject({ code: 0, stdout: `${shownName}\n` });
  });

  it('says what is wrong with an image, and ends with status 1', async () => {
    const image = await evilIso([file('zz/in')]);
    image.setExtent('zz', 0xffffff);
    await save('damaged.iso', image.bytes);
    expect(await inFolder('ls', '-R', 'damaged.iso')).toEqual({
      code: 1,
      stdout: 'zz\n',
      stderr: 'warning: zz: bytes 34359736320+2048 of the directory are not in the image (ISO_EXTENT)\n',
    });
  });

  it('refuses what is no image, and a path that is not there', async () => {
    const refused = async (...args: string[]): Promise<string> => {
      const { code, stdout, stderr } = await inFolder('ls', ...args);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      return stderr;
    };
    expect(await refused('blank')).toMatch(/is blank.*\nhint: What is read: ext2/);
    expect(await refused('nothing')).toContain('cannot open the image nothing');
    expect(await refused('cd.iso', 'c')).toContain('there is no c in the image\nhint: gva ls IMAGE -R');
    expect(await refused()).toContain("missing required argument 'image'");
    const { code, stdout } = await inFolder('ls', 'blank', '--json');
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'IMAGE_CONTENT' } });
  });
});

describe('gva extract', () => {
  it('brings everything out, and says how much', async () => {
    const { code, stdout, stderr } = await inFolder('extract', 'cd.qcow2', 'deep/er');
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(stderr).toBe('2 files, 1 folder, 1 symbolic link, 18 B in deep/er\n');
    expect(await readFile(at('deep/er/b/link'), 'utf8')).toBe('#!/bin/sh\n');
  });

  it('brings one folder out', async () => {
    expect(await inFolder('extract', 'cd.iso', 'part', '--from', '/b')).toMatchObject({ code: 0 });
    expect(await readdir(at('part'))).toEqual(['link', 'script.sh']);
  });

  it('ends with status 1 where something was refused, and names it', async () => {
    const { code, stderr } = await inFolder('extract', 'evil.iso', 'refused');
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: [
        'warning: out: the link to "/etc/passwd" is not made (SYMLINK_ESCAPE)',
        '3 files, 1 folder, 1 symbolic link, 19 B in refused\n',
      ].join('\n'),
    });
    expect(await readdir(at('refused'))).toContain(evilName);
  });

  it('prints JSON with all findings, of which people see ten', async () => {
    const links = Array.from({ length: 1500 }, (_, n) => ({ ...outside, path: `${n}` }));
    await save('links.iso', isoBytes(links, { volumeId: 'LINKS' }));
    const { code, stdout, stderr } = await inFolder('extract', 'links.iso', 'links', '--json');
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    const report = JSON.parse(stdout) as { findings: unknown[] };
    expect(report).toMatchObject({
      ...{ image: 'links.iso', fileSystem: 'iso9660', directory: 'links' },
      ...{ complete: false, truncated: false },
      ...{ files: 0, directories: 0, symlinks: 0, bytes: 0, findingCount: 1500 },
    });
    expect(report.findings.length).toBe(1500);
    const said = (await inFolder('extract', 'links.iso', 'links2')).stderr.split('\n');
    expect(said.length).toBe(13);
    expect(said[10]).toBe('warning: and 1490 more; --json has all');
  });

  it('keeps to its limits', async () => {
    const limited = async (...args: string[]): Promise<string> => {
      const { code, stderr } = await inFolder('extract', 'cd.iso', `limited${args.join('')}`, ...args);
      expect(code).toBe(1);
      return stderr;
    };
    expect(await limited('--max-bytes', '3')).toContain('(LIMIT_BYTES)');
    expect(await limited('--max-files', '1')).toContain('(LIMIT_FILES)');
    expect(await limited('--max-depth', '0')).toContain('(LIMIT_DEPTH)');
  });

  it('refuses a folder with something in it, and what is wrong, before it makes anything', async () => {
    const before = await readdir(folder.path);
    const refused = async (...args: string[]): Promise<string> => {
      const { code, stdout, stderr } = await inFolder('extract', ...args);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      return stderr;
    };
    expect(await refused('cd.iso', '.')).toMatch(/: it is not empty\nhint: Name a new directory/);
    expect(await refused('cd.iso', 'cd.iso/x')).toContain('cannot extract into cd.iso/x');
    expect(await refused('blank', 'out')).toContain('is blank');
    expect(await refused('cd.iso', 'out', '--from', 'a')).toContain('there is no folder a in the image');
    expect(await refused('cd.iso', 'out', '--max-bytes', 'much')).toContain('--max-bytes much is no size');
    expect(await refused('cd.iso', 'out', '--max-files', '0')).toContain('no whole number from 1 on');
    expect(await refused('cd.iso', 'out', '--timeout', 'soon')).toContain('--timeout soon is no duration');
    expect(await refused('cd.iso')).toContain("missing required argument 'dir'");
    expect(await readdir(folder.path)).toEqual(before);
  });

  it('keeps what it has when interrupted, and says so', async () => {
    // A folder of 4 GiB of zeros, in a sparse file: reading it takes seconds and writes nothing.
    const image = await evilIso([file('aa', 'first'), file('zz/in')]);
    image.setExtent('zz', image.bytes.length / 2048, 0xfffff800);
    await save('slow.iso', image.bytes);
    await truncate(at('slow.iso'), 4 * 2 ** 30);
    const child = spawn(process.execPath, [gvaProgram, 'extract', 'slow.iso', 'slow'], {
      cwd: folder.path,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const said = child.stderr.setEncoding('utf8').toArray() as Promise<string[]>;
    await eventually(() => existsSync(at('slow/zz')));
    child.kill('SIGINT');
    const code = await new Promise((resolve) => child.on('exit', resolve));
    expect({ code, said: (await said).join('') }).toEqual({
      code: 130,
      said: 'error: interrupted: slow has what was brought out until then, and not more\n',
    });
    expect(await readFile(at('slow/aa'), 'utf8')).toBe('first');
  });
});
