import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { compileGuestProgram, guestPrograms } from '../../src/base/guest-programs.js';
import { crc32 } from '../../src/channel/crc32.js';
import { mediumLabel, noLabel } from '../../src/instance/insert/volume.js';
import { eventually, temporaryFolder } from '../support/gva.js';

// gvad-insert with files as its drives, and a script that writes down what it is told.

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let program: string;
beforeAll(async () => {
  folder = await temporaryFolder();
  program = join(folder.path, 'insert');
  expect(await compileGuestProgram(guestPrograms.insert, program)).toBe(true);
}, 60_000);
afterAll(() => folder[Symbol.asyncDispose]());

const sector = 2048;
const size = 20 * sector;
let number = 0;
let drive: string;
let told: string;
let command: string;
let child: ReturnType<typeof spawn>;
let ended: Promise<unknown[]>;

beforeEach(async () => {
  number++;
  drive = join(folder.path, `drive${number}`);
  told = join(folder.path, `told${number}`);
  command = join(folder.path, `command${number}`);
  await writeFile(told, '');
  await writeFile(drive, Buffer.alloc(size));
});
afterEach(async () => {
  child.kill('SIGKILL');
  await ended;
});

async function start(body = ''): Promise<void> {
  await writeFile(command, `#!/bin/sh\necho "$1 $2 $\{3##*/}" >>${told}\n${body}\n`);
  await chmod(command, 0o755);
  child = spawn(program, [drive, join(folder.path, 'none'), '--', command], { stdio: 'inherit' });
  ended = once(child, 'exit');
}

async function write(bytes: Buffer, at: number): Promise<void> {
  await using file = await open(drive, 'r+');
  await file.write(bytes, 0, bytes.length, at);
}

async function insert(id: number, content: Buffer, crc = crc32(content)): Promise<void> {
  await write(content, 0);
  await write(mediumLabel(id, { size: content.length, crc }), size - sector);
}

const lines = async () => (await readFile(told, 'utf8')).split('\n').filter((line) => line !== '');
const heard = (count: number) => eventually(async () => (await lines()).length >= count);
/** Several looks of its. */
const looks = () => new Promise((resolve) => setTimeout(resolve, 700));
const content = (fill: number) => Buffer.alloc(3 * sector, fill);

/** Hundredths of a second of a processor that it has used. */
async function used(): Promise<number> {
  const fields = (await readFile(`/proc/${child.pid}/stat`, 'latin1')).replace(/^.*\) /s, '').split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

test('it rests between looks, each time', async () => {
  await start();
  await looks();
  const before = await used();
  for (let n = 0; n < 3; n++) await looks();
  // Of two seconds; a host that is busy gives it less, whatever it does.
  expect((await used()) - before).toBeLessThan(20);
});

test('each number is told once, whatever else is in the drive, and gone when its label is', async () => {
  await start();
  await insert(1, content(1));
  await heard(1);
  await looks();
  await write(noLabel(), size - sector);
  await heard(2);
  await insert(2, content(1));
  await heard(3);
  await looks();
  const name = `drive${number}`;
  expect(await lines()).toEqual([`inserted 1 ${name}`, `gone 1 ${name}`, `inserted 2 ${name}`]);
});

test('one that takes the place of another has that gone first; a command that fails is told again', async () => {
  await start(`[ "$1" != gone ] || [ "$(grep -c gone ${told})" -ge 3 ]`);
  await insert(1, content(1));
  await heard(1);
  await insert(2, content(2));
  await heard(5);
  const words = (await lines()).map((line) => line.split(' ').slice(0, 2).join(' '));
  expect(words).toEqual(['inserted 1', 'gone 1', 'gone 1', 'gone 1', 'inserted 2']);
});

test('a volume that stays damaged is told as that', async () => {
  await start();
  await insert(1, content(1), crc32(content(9)));
  await heard(1);
  expect(await lines()).toEqual([`damaged 1 drive${number}`]);
});

test('a volume that is not there yet is waited for', async () => {
  await start();
  // It waits for a second; on a busy machine the rest may come later than that.
  let told: string | undefined;
  for (let id = 1; told !== 'inserted' && id <= 50; id++) {
    const before = (await lines()).length;
    await insert(id, content(0), crc32(content(id)));
    await write(content(id), 0);
    await eventually(async () =>
      / (inserted|damaged)|^(inserted|damaged)/.test((await lines()).slice(before).join(' ')),
    );
    told = (await lines()).at(-1)?.split(' ')[0];
  }
  expect(told).toBe('inserted');
});

test.each([
  ['a label without its sum', (label: Buffer) => label.fill(0, 36)],
  ['a volume beyond the drive', (label: Buffer) => resum(label, BigInt(size))],
  ['no whole sectors', (label: Buffer) => resum(label, 1000n)],
  ['an empty volume', (label: Buffer) => resum(label, 0n)],
  ['a volume of nearly 2^64 bytes', (label: Buffer) => resum(label, 2n ** 64n - 2048n)],
])('%s is nothing', async (_, spoil) => {
  await start();
  const label = mediumLabel(7, { size: 3 * sector, crc: crc32(content(7)) });
  spoil(label);
  await write(content(7), 0);
  await write(label, size - sector);
  await looks();
  await insert(8, content(7));
  await heard(1);
  expect(await lines()).toEqual([`inserted 8 drive${number}`]);
});

function resum(label: Buffer, claimed: bigint): Buffer {
  label.writeBigUInt64LE(claimed, 24);
  label.writeUInt32LE(crc32(label, 0, 36), 36);
  return label;
}

test('who ends it waits for the command that runs', async () => {
  await start(`until [ -e ${told}.go ]; do sleep 0.05; done; echo done >>${told}`);
  await insert(1, content(1));
  await heard(1);
  child.kill('SIGTERM');
  await writeFile(`${told}.go`, '');
  expect(await ended).toEqual([0, null]);
  expect((await lines()).at(-1)).toBe('done');
});

test('it needs no C library', async () => {
  await start();
  expect(execFileSync('file', ['-b', program], { encoding: 'utf8' })).toContain('statically linked');
});
