import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadAppliance } from '../../src/appliance/load.js';
import { checkProgramArchitecture } from '../../src/appliance/program-architecture.js';
import { temporaryFolder } from '../support/gva.js';

/** The beginning of a program: ELF, its byte order (1 little, 2 big), its processor. */
function elf(machine: number, order: 1 | 2 = 1): Buffer {
  const header = Buffer.alloc(64);
  header.write('\x7fELF', 'latin1');
  header[5] = order;
  if (order === 1) header.writeUInt16LE(machine, 18);
  else header.writeUInt16BE(machine, 18);
  return header;
}

async function check(program: Buffer, arch: 'x86_64' | 'aarch64', run = './program'): Promise<string> {
  await using folder = await temporaryFolder();
  await mkdir(join(folder.path, 'app'));
  await writeFile(join(folder.path, 'app/program'), program);
  await chmod(join(folder.path, 'app/program'), 0o755);
  await writeFile(join(folder.path, 'gva.yaml'), `name: a\nrun: ${run} 1 2\n`);
  const source = await loadAppliance(folder.path);
  try {
    await checkProgramArchitecture(source, { name: 'b', arch });
    return 'taken';
  } catch (error) {
    return (error as Error).message.replace(folder.path, '');
  }
}

it.each([
  ['x86_64', elf(62)],
  ['x86_64', elf(3)],
  ['aarch64', elf(183)],
  ['x86_64', Buffer.from('#!/bin/sh\n')],
  ['x86_64', Buffer.from('\x7fELF')],
] as const)('a base of %s takes its own programs, scripts, and what is no program', async (arch, program) => {
  expect(await check(program, arch)).toBe('taken');
});

it('a program for another processor is named before any boot', async () => {
  const message = (found: string, arch: string) =>
    `/app/program is a program for ${found}; the base image b is ${arch}`;
  expect(await check(elf(183), 'x86_64')).toBe(message('aarch64', 'x86_64'));
  expect(await check(elf(62), 'aarch64')).toBe(message('x86_64', 'aarch64'));
  expect(await check(elf(22, 2), 'x86_64')).toBe(message('s390x', 'x86_64'));
  expect(await check(elf(4711), 'x86_64')).toBe(message('processors of number 4711', 'x86_64'));
});

it('only the program of the appliance is looked at', async () => {
  for (const run of ['/usr/bin/program', '../program', 'sh program'])
    expect(await check(elf(183), 'x86_64', run)).toBe('taken');
});
