import { execFile, spawn } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { packageRoot } from '../../src/system/package.js';
import { whenStarted } from '../../src/system/process.js';

test('a child that was started has its streams', async () => {
  const child = await whenStarted(spawn('echo', ['it'], { stdio: ['ignore', 'pipe', 'ignore'] }));
  expect((await child.stdout.setEncoding('utf8').toArray()).join('')).toBe('it\n');
});

test('one that is not there says so', async () => {
  await expect(whenStarted(spawn('/nonexistent/program'))).rejects.toMatchObject({ code: 'ENOENT' });
});

test('one for which there are too few descriptors says so, and ends nothing else', async () => {
  // Of the build: Node.js does not run TypeScript.
  const module = pathToFileURL(join(packageRoot, 'dist/src/system/process.js')).href;
  const script = `
    import { spawn } from 'node:child_process';
    import { openSync } from 'node:fs';
    import { whenStarted } from ${JSON.stringify(module)};
    try { for (;;) openSync('/dev/null'); } catch {}
    const child = spawn('/bin/true', { stdio: 'pipe' });
    const streams = String(child.stdout);
    console.log(streams, await whenStarted(child).catch(({ code }) => code));`;
  const args = ['-c', 'ulimit -n 64 && exec "$0" --input-type=module -e "$1"', process.execPath, script];
  const { stdout } = await promisify(execFile)('/bin/sh', args);
  expect(stdout).toBe('undefined EMFILE\n');
});
