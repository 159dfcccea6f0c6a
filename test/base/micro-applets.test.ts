import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { appletsIn } from '../../src/base/micro/root-tree.js';
import { requireTool } from '../support/tools.js';

it('the applets that are read from busybox are those that it lists', async () => {
  const busybox = requireTool('busybox');
  const listed = execFileSync(busybox, ['--list'], { encoding: 'utf8' }).trim().split('\n');
  expect(listed.length).toBeGreaterThan(200);
  expect(appletsIn(await readFile(busybox))).toEqual(listed);
});

it('what has no applets is no busybox', () => {
  for (const bytes of ['', '\0[\0[[\0', '\0[\0[[\0sh\0bad/name\0\0'])
    expect(() => appletsIn(Buffer.from(bytes))).toThrow('the names of the applets were not found');
});
