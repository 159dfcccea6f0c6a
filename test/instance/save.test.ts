import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { emptyFolder, savePatiently } from '../../src/instance/save.js';
import { GvaError, fullDiskErrno } from '../../src/system/errors.js';
import { temporaryFolder } from '../support/gva.js';

const errno = (code: string) => Object.assign(new Error(`${code}: refused`), { code });

/** Refuses so many times. */
function refusing(times: number, error: Error) {
  let calls = 0;
  return () => (++calls > times ? Promise.resolve(calls) : Promise.reject(error));
}

test('what finds the disk full is done again, once it is worth it', async () => {
  const untilRoom = vi.fn(() => Promise.resolve(true));
  expect(await savePatiently(refusing(2, errno('ENOSPC')), 5000, untilRoom)).toBe(3);
  expect(untilRoom.mock.calls).toEqual([[5000], [5000]]);
});

test('it is given up where nobody waits, where waiting ends, and for any other reason', async () => {
  const full = errno('EDQUOT');
  await expect(savePatiently(refusing(1, full), 1, undefined)).rejects.toBe(full);
  await expect(savePatiently(refusing(1, full), 1, () => Promise.resolve(false))).rejects.toBe(full);
  const other = errno('EACCES');
  await expect(savePatiently(refusing(1, other), 1, () => Promise.resolve(true))).rejects.toBe(other);
});

test.each([
  [errno('ENOSPC'), 'ENOSPC'],
  [
    new GvaError('COLLECT', 'not saved', { cause: new GvaError('X', 'x', { cause: errno('EDQUOT') }) }),
    'EDQUOT',
  ],
  [new GvaError('TOOL_FAILED', 'cp: error writing: No space left on device'), 'ENOSPC'],
  [new GvaError('TOOL_FAILED', 'tar: Disk quota exceeded'), 'EDQUOT'],
  [errno('EIO'), undefined],
  ['ENOSPC', undefined],
])('a full disk is told from %s', (error, expected) => {
  expect(fullDiskErrno(error)).toBe(expected);
});

test('a folder is emptied, and stays', async () => {
  await using folder = await temporaryFolder();
  await mkdir(join(folder.path, 'a/b'), { recursive: true });
  await writeFile(join(folder.path, 'c'), '');
  await emptyFolder(folder.path);
  expect(await readdir(folder.path)).toEqual([]);
});
