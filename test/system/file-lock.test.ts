import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { lockFile } from '../../src/system/file-lock.js';
import { eventually, temporaryFolder } from '../support/gva.js';

it('of many who want a lock at the same moment one gets it, and after it is given back the next', async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'lock');
  for (let round = 0; round < 3; round++) {
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => lockFile(file)));
    const got = outcomes.filter((lock) => lock !== undefined);
    expect(got).toHaveLength(1);
    await got[0]![Symbol.asyncDispose]();
  }
});

it('a killed process leaves no lock behind, nor do its children have it', async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'lock');
  const holder = spawn('flock', ['--no-fork', file, 'sleep', '1000'], { stdio: 'ignore' });
  await eventually(async () => {
    const lock = await lockFile(file);
    await lock?.[Symbol.asyncDispose]();
    return lock === undefined;
  });
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  const lock = await lockFile(file);
  expect(lock).toBeDefined();
  const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
  await lock![Symbol.asyncDispose]();
  const again = await lockFile(file);
  child.kill('SIGKILL');
  expect(again).toBeDefined();
  await again![Symbol.asyncDispose]();
});

it('a file that cannot be locked', async () => {
  await using folder = await temporaryFolder();
  await expect(lockFile(join(folder.path, 'none/lock'))).rejects.toThrow('ENOENT');
  const path = process.env['PATH'];
  process.env['PATH'] = folder.path;
  const error = await lockFile(join(folder.path, 'lock')).catch((e: unknown) => e);
  process.env['PATH'] = path;
  expect(error).toMatchObject({ code: 'LOCK' });
});
