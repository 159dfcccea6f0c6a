import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { databaseCode } from '../../src/system/database.js';
import { packageRoot } from '../../src/system/package.js';
import { temporaryFolder } from '../support/gva.js';

// Of the build: Node.js does not run TypeScript. What a process that has only so many descriptors left says of it.
const script = `
  import { closeSync, openSync } from 'node:fs';
  import { newDatabase } from ${JSON.stringify(pathToFileURL(join(packageRoot, 'dist/src/system/database.js')).href)};
  const [file, left] = process.argv.slice(1);
  const taken = [];
  try { for (;;) taken.push(openSync('/dev/null')); } catch {}
  for (let i = 0; i < Number(left); i++) closeSync(taken.pop());
  try {
    newDatabase(file).exec('CREATE TABLE t (x)');
    console.log('opened');
  } catch (error) { console.log(error.code); }`;

async function withDescriptors(left: number): Promise<string> {
  await using folder = await temporaryFolder();
  const command = 'ulimit -n 64 && exec "$0" --input-type=module -e "$1" "$2" "$3"';
  const args = ['-c', command, process.execPath, script, join(folder.path, 'file.db'), String(left)];
  return (await promisify(execFile)('/bin/sh', args)).stdout.trim();
}

test('a database for which there are too few descriptors is an error, and not the end of the process', async () => {
  const said = await Promise.all(Array.from({ length: 14 }, (_, left) => withDescriptors(left)));
  expect(said).toEqual([...Array<string>(12).fill('EMFILE'), 'opened', 'opened']);
});

test('an error that libsql has no name for has that of its primary code', () => {
  const code = (of: string) => databaseCode(Object.assign(new Error('x'), { code: of }));
  // SQLITE_READONLY_DIRECTORY, SQLITE_IOERR_DATA
  expect(code('UNKNOWN_SQLITE_ERROR_1544')).toBe('SQLITE_READONLY');
  expect(code('UNKNOWN_SQLITE_ERROR_8202')).toBe('SQLITE_IOERR');
  expect(code('UNKNOWN_SQLITE_ERROR_1')).toBe('SQLITE_ERROR');
  expect([code('SQLITE_IOERR_READ'), code('EMFILE')]).toEqual(['SQLITE_IOERR_READ', 'EMFILE']);
  expect(databaseCode(new Error('x'))).toBe('');
});
