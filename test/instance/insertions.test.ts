import { mkdir, readFile, readdir, truncate, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { crc32 } from '../../src/channel/crc32.js';
import { openIso } from '../../src/disk/iso9660/index.js';
import { openRaw } from '../../src/disk/source.js';
import { GuestNews } from '../../src/instance/insert/guest-news.js';
import { Insertions } from '../../src/instance/insert/insertions.js';
import type { GuestEventName } from '../../src/model/guest-event.js';
import type { MachineSpec, VirtualMachine } from '../../src/vmm/driver.js';
import { temporaryFolder } from '../support/gva.js';

// The host's side of media that come later, with a guest that this test plays.

const size = 1 << 20;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let mailbox: string;
let news: GuestNews;
/** What is in the CD drive. */
let drive: string | undefined;
/** What was done with plugged disks. */
let plugs: string[];
let end: () => void;
let insertions: Insertions;

beforeEach(async () => {
  folder = await temporaryFolder();
  mailbox = join(folder.path, 'mailbox.img');
  await writeFile(mailbox, '');
  await truncate(mailbox, size);
  await mkdir(join(folder.path, 'inserted'));
  await mkdir(join(folder.path, 'source'));
  await writeFile(join(folder.path, 'source/file'), 'first');
  news = new GuestNews();
  drive = undefined;
  plugs = [];
  insertions = make(true);
});
afterEach(() => folder[Symbol.asyncDispose]());

function make(cd: boolean): Insertions {
  const exited = new Promise<never>((resolve) => (end = resolve as () => void));
  const insert = (image: string) => Promise.resolve(void (drive = image));
  const plug = (image: string) => {
    plugs.push(basename(image));
    return insert(image);
  };
  const unplug = () => Promise.resolve(void plugs.push('out'));
  const machine = { exited, ...(cd ? { insert, plug, unplug } : {}) } as unknown as VirtualMachine;
  const disks = [{ id: 'mailbox', image: mailbox, size, access: 'read-only' }];
  const spec = { disks, insertFolder: join(folder.path, 'inserted') } as unknown as MachineSpec;
  return new Insertions(machine, spec, news);
}

const say = (name: GuestEventName, fields: Record<string, string> = {}) =>
  news.note({ name, uptime: 1, fields });

/** The last sector of what is in the drive, or on the mailbox disk. */
async function label(file = drive): Promise<Buffer> {
  // What was in the drive before may be gone by now.
  const bytes = file === undefined ? Buffer.alloc(0) : await readFile(file).catch(() => Buffer.alloc(0));
  return bytes.subarray(bytes.length - 2048);
}

const number = async (file?: string) => {
  const found = await label(file);
  return found.length > 0 && found.toString('latin1', 0, 15) === 'GVA-INSERTED 1\n'
    ? Number(found.readBigUInt64LE(16))
    : 0;
};

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 2));
}

const source = () => join(folder.path, 'source');

/** The guest takes a medium by its number. */
async function take(id: number, file?: string): Promise<void> {
  await until(async () => (await number(file)) === id);
  say('insert', { id: String(id) });
  say('insert-script-start', { id: String(id), name: 'a' });
  say('insert-done', { id: String(id), scripts: '2', failed: '1' });
}

test('a volume is there with its label when it is put into the drive, and only when the guest is ready', async () => {
  const inserted = insertions.insert(source(), 'auto');
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(drive).toBe(undefined);
  say('ready');
  await take(1);
  expect(await inserted).toMatchObject({
    by: 'cd',
    scripts: 2,
    failed: 1,
    started: expect.any(Number) as number,
  });
  const bytes = await readFile(drive ?? '');
  const found = await label();
  expect(found.readUInt32LE(32)).toBe(crc32(bytes, 0, Number(found.readBigUInt64LE(24))));
  await using raw = await openRaw(drive ?? '', 'refused');
  expect((await openIso(raw)).root.kind).toBe('directory');
});

test('what was there before is let go first, and waited for', async () => {
  say('ready');
  const first = insertions.insert(source(), 'cd');
  await take(1);
  await first;
  const before = drive;
  const second = insertions.insert(source(), 'cd');
  await until(async () => (await number(before)) === 0);
  expect(drive).toBe(before);
  say('insert-gone', { id: '1' });
  await take(2);
  await second;
  expect(drive).not.toBe(before);
  expect(await readdir(join(folder.path, 'inserted'))).toEqual(['2.iso']);
});

test('a disk is plugged in with its label, and out when the guest has let it go, before anything else comes', async () => {
  say('ready');
  for (const [id, way] of [
    [1, 'disk'],
    [2, 'disk'],
    [3, 'cd'],
  ] as const) {
    const inserted = insertions.insert(source(), way);
    if (id > 1) {
      await until(async () => (await number()) === 0);
      say('insert-gone', { id: String(id - 1) });
    }
    await take(id);
    expect(await inserted).toMatchObject({ by: way, scripts: 2 });
  }
  expect(plugs).toEqual(['1.iso', 'out', '2.iso', 'out']);
  expect(await readdir(join(folder.path, 'inserted'))).toEqual(['3.iso']);
  insertions = make(false);
  await expect(insertions.insert(source(), 'disk')).rejects.toMatchObject({ code: 'INSERT_NONE' });
});

test('a mailbox disk is what a machine without a CD drive has', async () => {
  insertions = make(false);
  say('ready');
  const first = insertions.insert(source(), 'auto');
  await take(1, mailbox);
  expect(await first).toMatchObject({ by: 'mailbox' });
  await expect(insertions.insert(source(), 'cd')).rejects.toMatchObject({ code: 'INSERT_NONE' });
  expect(await readdir(join(folder.path, 'inserted'))).toEqual([]);
  await writeFile(join(folder.path, 'source/file'), Buffer.alloc(size));
  const large = insertions.insert(source(), 'mailbox');
  await until(async () => (await number(mailbox)) === 0);
  say('insert-gone', { id: '1' });
  await expect(large).rejects.toMatchObject({ code: 'INSERT_SIZE' });
});

test('two that are asked for at once come one after the other; a machine that ends leaves nobody waiting', async () => {
  say('ready');
  const [first, second] = [insertions.insert(source(), 'cd'), insertions.insert(source(), 'cd')];
  const lost = expect(second).rejects.toMatchObject({ code: 'INSTANCE_ENDED' });
  await take(1);
  expect(await first).toMatchObject({ scripts: 2 });
  end();
  await lost;
});

test('what the guest cannot read is told', async () => {
  say('ready');
  const inserted = insertions.insert(source(), 'cd');
  const told = expect(inserted).rejects.toMatchObject({ code: 'INSERT' });
  await until(async () => (await number()) === 1);
  say('insert-done', { id: '1', scripts: '0', failed: '0', damaged: '1' });
  await told;
});
