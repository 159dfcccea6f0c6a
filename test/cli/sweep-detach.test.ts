import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { detachSweep } from '../../src/cli/sweep/detach.js';
import { leaveBeside } from '../support/left-over.js';
import { eventually } from '../support/gva.js';
import { runningStatus } from '../sweep/observe-fixture.js';
import { SweepPlace } from './sweep-command-fixture.js';

const place = new SweepPlace();
let folder: string;
beforeEach(() => {
  folder = place.folder;
});

describe('in the background', () => {
  /** A child that is no GVA: a script of Node.js that finds the sweep's folder in its first argument. */
  const child = (script: string) => ['-e', script, folder];
  const never = new AbortController().signal;
  const begin = `
    const { mkdirSync, renameSync, writeFileSync } = require('node:fs');
    const folder = process.argv[1];
    mkdirSync(folder);
    writeFileSync(folder + '/sweep.json', '{}');
    const status = ${JSON.stringify(runningStatus)};
    writeFileSync(folder + '/.x', JSON.stringify({ ...status, pid: process.pid }));
    renameSync(folder + '/.x', folder + '/status.json');
    console.log('began');`;

  async function detach(script: string, signal = never, json = true) {
    let said = '';
    const take = (text: unknown) => (said += String(text)) !== '';
    vi.spyOn(process.stdout, 'write').mockImplementation(take);
    vi.spyOn(process.stderr, 'write').mockImplementation(take);
    try {
      return { code: await detachSweep(folder, json, signal, child(script)), said };
    } finally {
      vi.restoreAllMocks();
    }
  }

  test('a sweep goes on in a session of its own, and its log is in its folder', async () => {
    leaveBeside(folder);
    const { code, said } = await detach(`${begin} setInterval(() => {}, 1000);`);
    expect(code).toBe(0);
    const { pid, log } = JSON.parse(said) as { pid: number; log: string };
    try {
      expect(log).toBe(join(folder, 'sweep.log'));
      await eventually(async () => (await readFile(log, 'utf8')) === 'began\n');
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
      // proc(5): field 6 is the session.
      expect(Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[3])).toBe(pid);
    } finally {
      process.kill(pid, 'SIGKILL');
    }
    expect((await readdir(place.parent)).sort()).toEqual(['scratch', 'squares']);
  });

  test('a start that fails says why, with its exit code, and leaves nothing', async () => {
    const { code, said } = await detach('console.error("error: no such plan"); process.exit(2)');
    expect(code).toBe(2);
    expect(said).toBe('error: no such plan\n');
    expect(await readdir(place.parent)).toEqual(['scratch']);
  });

  test('one that is ended while it starts ends', async () => {
    const controller = new AbortController();
    const started = detach('setInterval(() => {}, 1000)', controller.signal);
    controller.abort(new Error('interrupted'));
    await expect(started).rejects.toThrow('interrupted');
    expect(await readdir(place.parent)).toEqual(['scratch']);
  });
});
