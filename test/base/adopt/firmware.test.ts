import { execFileSync } from 'node:child_process';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { firmwareOf } from '../../../src/base/adopt/firmware.js';
import { MemorySource, scratch } from '../../disk/ext4-fixture.js';
import { requireTool } from '../../support/tools.js';

const size = 8 << 20;

/** A disk with partitions as sfdisk makes them. */
function disk(script: string, bootCode = false): Buffer {
  const file = join(scratch(), 'disk');
  writeFileSync(file, '');
  truncateSync(file, size);
  execFileSync(requireTool('sfdisk'), ['--quiet', file], {
    input: script,
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  const bytes = readFileSync(file);
  if (bootCode) bytes.fill(0x90, 0, 440);
  return bytes;
}

const guid = { efi: 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B', bios: '21686148-6449-6E6F-744E-656564454649' };
const gpt = (...types: string[]) => `label: gpt\n${types.map((type) => `size=1MiB,type=${type}\n`).join('')}`;
const linux = '0FC63DAF-8483-4772-8E79-3D69D8477DE4';

describe('the firmware that boots a disk', () => {
  it.each<[string, string, boolean, string]>([
    ['an MBR with boot code', 'label: dos\nsize=1MiB,type=83,bootable\n', true, 'bios'],
    ['an MBR with an EFI system partition alone', 'label: dos\nsize=1MiB,type=ef\n', false, 'uefi'],
    ['a GPT for both', gpt(guid.bios, guid.efi, linux), true, 'bios'],
    ['a GPT for UEFI, with boot code that nothing is behind', gpt(guid.efi, linux), true, 'uefi'],
    ['a GPT for UEFI', gpt(guid.efi, linux), false, 'uefi'],
    ['a GPT for BIOS', gpt(guid.bios, linux), true, 'bios'],
  ])('%s', async (_, script, bootCode, firmware) => {
    expect(await firmwareOf(new MemorySource(disk(script, bootCode)))).toBe(firmware);
  });

  it.each<[string, () => Buffer]>([
    ['a blank disk', () => Buffer.alloc(size)],
    ['no disk', () => Buffer.alloc(100)],
    ['an MBR of data alone', () => disk('label: dos\nsize=1MiB,type=83\n')],
    ['a GPT of data alone', () => disk(gpt(linux))],
  ])('%s is refused', async (_, bytes) => {
    await expect(firmwareOf(new MemorySource(bytes()))).rejects.toMatchObject({ code: 'ADOPT_UNBOOTABLE' });
  });

  it('is asked of no entry outside the disk', async () => {
    const bytes = disk(gpt(guid.efi));
    bytes.writeBigUInt64LE(1n << 52n, 512 + 72);
    bytes.writeUInt32LE(0xffffffff, 512 + 80);
    await expect(firmwareOf(new MemorySource(bytes))).rejects.toMatchObject({ code: 'ADOPT_UNBOOTABLE' });
  });
});
