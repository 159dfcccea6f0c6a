import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { DiskRoom, endedByFullDisk, freeBytes } from '../../../src/sweep/schedule/disk-room.js';

const mib = 2 ** 20;

test('the reserve is what all at once may write, and one more', () => {
  const room = new DiskRoom('/scratch', 'scratch folder', 100 * mib);
  expect(room.reserve(1)).toBe(256 * mib);
  expect(room.reserve(3)).toBe(400 * mib);
  room.note(300 * mib);
  room.note(20 * mib);
  expect([room.reserve(1), room.reserve(3)]).toEqual([600 * mib, 1200 * mib]);
});

test('pauses below the reserve, and goes on well above it', () => {
  const room = new DiskRoom('/out', 'folder of results');
  const paused = (free: number) => room.shortage(0, free * mib, 2) !== undefined;
  expect([1000, 256, 255, 256, 319, 320, 256].map(paused)).toEqual([
    false,
    false,
    true,
    true,
    true,
    false,
    false,
  ]);
  expect(room.shortage(0, 10 * mib, 2)).toBe(
    'the folder of results /out has 10 MiB left; it goes on from 320 MiB',
  );
});

test('pauses for half a minute where something found it full', () => {
  const room = new DiskRoom('/out', 'folder of results');
  room.noteFull(100);
  expect(room.shortage(129, 5000 * mib, 2)).toBe('the disk of the folder of results /out was full');
  expect(room.shortage(130, 5000 * mib, 2)).toBeUndefined();
});

test('what is not known does not pause, nor end a pause', () => {
  const room = new DiskRoom('/out', 'folder of results');
  expect(room.shortage(0, undefined, 2)).toBeUndefined();
  room.shortage(0, 0, 2);
  expect(room.shortage(0, undefined, 2)).toBe('the disk of the folder of results /out was full');
});

test.each([
  ['lost', 'ENOSPC: no space left on device, write', true],
  ['lost', 'EDQUOT: quota exceeded', true],
  ['lost', 'panic', false],
  ['lost', undefined, false],
  ['failed', 'output-full', false],
] as const)('%s by %s: the disk was full: %s', (state, cause, full) => {
  expect(endedByFullDisk(cause === undefined ? { state } : { state, cause })).toBe(full);
});

test('free bytes of a folder of this host', async () => {
  expect(await freeBytes(tmpdir())).toBeGreaterThan(0);
  expect(await freeBytes(join(tmpdir(), 'no such folder'))).toBeUndefined();
});
