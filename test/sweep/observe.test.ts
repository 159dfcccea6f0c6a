import { execFileSync } from 'node:child_process';
import { lstat, mkdir, open, readFile, readdir, symlink, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parquetReadObjects } from 'hyparquet';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { findSweep } from '../../src/sweep/observe/find.js';
import { exportResults } from '../../src/sweep/observe/export.js';
import { forgetSweep, knownSweeps, rememberSweep } from '../../src/sweep/observe/registry.js';
import { removeSweep } from '../../src/sweep/observe/remove.js';
import { putRequest, untilTaken } from '../../src/sweep/observe/requests.js';
import { readRows } from '../../src/sweep/observe/rows.js';
import { followStatus, readStatus } from '../../src/sweep/observe/status.js';
import { takeRequests } from '../../src/sweep/requests.js';
import { type TestHome, makeTestHome } from '../support/fake-appliance.js';
import { finishedStatus, linesOf, lockOf, rows, runningStatus, writeSweep } from './observe-fixture.js';

let home: TestHome;
let folder: string;
const never = new AbortController().signal;
beforeEach(async () => {
  home = await makeTestHome();
  folder = join(home.folder, 'squares');
});
afterEach(() => home[Symbol.asyncDispose]());

describe('the status', () => {
  test('is what the process that has the folder says', async () => {
    await writeSweep(folder, { 'status.json': runningStatus, ...(await lockOf('alive')) });
    expect(await readStatus(folder)).toMatchObject({ status: runningStatus, owner: 'alive', ended: false });
  });

  test.each(['dead', 'none'])('is stopped where the process is %s', async (process) => {
    const lock = process === 'dead' ? await lockOf('dead') : {};
    await writeSweep(folder, { 'status.json': runningStatus, ...lock });
    const seen = await readStatus(folder);
    expect(seen).toMatchObject({ owner: 'none', ended: true, status: { state: 'stopped', running: [] } });
    expect(seen?.status.counts).toMatchObject({ pending: 92, active: 0 });
    // Looking changes nothing.
    expect((await readdir(folder)).sort()).toEqual([...Object.keys(lock), 'status.json', 'sweep.json']);
  });

  test('of a process of another host is believed, and has an age', async () => {
    vi.useFakeTimers({ now: Date.parse(runningStatus.at) + 90_000, toFake: ['Date'] });
    try {
      await writeSweep(folder, { 'status.json': runningStatus, ...(await lockOf('elsewhere')) });
      expect(await readStatus(folder)).toMatchObject({ owner: 'unknown', ended: false, age: 90 });
    } finally {
      vi.useRealTimers();
    }
  });

  test('is final only when the process has left', async () => {
    await writeSweep(folder, { 'status.json': finishedStatus, ...(await lockOf('alive')) });
    expect(await readStatus(folder)).toMatchObject({ ended: false });
    await unlink(join(folder, '.lock-a'));
    expect(await readStatus(folder)).toMatchObject({ ended: true, status: { state: 'finished' } });
  });

  test('that is missing is undefined, one that is damaged an error', async () => {
    await writeSweep(folder);
    expect(await readStatus(folder)).toBeUndefined();
    const rest = { ...runningStatus, points: undefined };
    for (const text of [
      '{',
      '[]',
      'null',
      JSON.stringify(rest),
      JSON.stringify({ ...runningStatus, points: -1 }),
    ]) {
      await writeFile(join(folder, 'status.json'), text);
      await expect(readStatus(folder)).rejects.toMatchObject({ code: 'SWEEP_UNREADABLE', exitCode: 69 });
    }
    await unlink(join(folder, 'status.json'));
    execFileSync('mkfifo', [join(folder, 'status.json')]);
    await expect(readStatus(folder)).rejects.toMatchObject({ code: 'SWEEP_UNREADABLE' });
  });

  test('is followed to its end', async () => {
    await writeSweep(folder, { 'status.json': runningStatus, ...(await lockOf('alive')) });
    const states: string[] = [];
    for await (const { status } of followStatus(folder, never, 0.01)) {
      states.push(status.state);
      if (states.length > 1) continue;
      await writeSweep(folder, { 'status.json': finishedStatus });
      await unlink(join(folder, '.lock-a'));
    }
    expect(states.at(0)).toBe('running');
    expect(states.at(-1)).toBe('finished');
  });
});

describe('a request', () => {
  test('is what the sweep takes up', async () => {
    await writeSweep(folder);
    const file = await putRequest(folder, { request: 'retry', points: 'failed' });
    await putRequest(folder, { request: 'cancel', points: [1, 2] });
    const requests = await takeRequests(folder);
    expect(requests).toHaveLength(2);
    expect(requests).toContainEqual({ request: 'retry', points: 'failed' });
    expect(requests).toContainEqual({ request: 'cancel', points: [1, 2] });
    await untilTaken(file, never);
  });

  test('comes after those before it, though the time of day has jumped back', async () => {
    await writeSweep(folder);
    await putRequest(folder, { request: 'cancel', points: [1] });
    const clock = vi.spyOn(Date, 'now').mockReturnValue(Date.now() - 86_400_000);
    for (const point of [2, 3]) await putRequest(folder, { request: 'retry', points: [point] });
    clock.mockRestore();
    expect(await takeRequests(folder)).toEqual([
      { request: 'cancel', points: [1] },
      { request: 'retry', points: [2] },
      { request: 'retry', points: [3] },
    ]);
  });

  test('that nobody takes up is taken back', async () => {
    await writeSweep(folder);
    const file = await putRequest(folder, { request: 'cancel', points: 'all' });
    await expect(untilTaken(file, never, 0.01)).rejects.toMatchObject({ code: 'SWEEP_SILENT', exitCode: 69 });
    expect(await takeRequests(folder)).toEqual([]);
  });

  test('to a folder that is none is refused', async () => {
    await writeFile(folder, '');
    const asked = putRequest(folder, { request: 'cancel', points: 'all' });
    await expect(asked).rejects.toMatchObject({ code: 'REQUEST_UNWRITABLE' });
  });
});

describe('a sweep is found', () => {
  test('by its folder, and by its name', async () => {
    await writeSweep(folder);
    await rememberSweep('nice', folder);
    await rememberSweep('nice', folder);
    expect(await knownSweeps()).toEqual([{ name: 'nice', folder }]);
    expect(await findSweep(folder)).toBe(folder);
    expect(await findSweep('nice')).toBe(folder);
    await forgetSweep(folder);
    await expect(findSweep('nice')).rejects.toMatchObject({ code: 'SWEEP_UNKNOWN', exitCode: 2 });
  });

  test('unless two have the name, or its folder is gone', async () => {
    const other = join(home.folder, 'other');
    for (const path of [folder, other]) await rememberSweep('nice', await writeSweep(path));
    await expect(findSweep('nice')).rejects.toMatchObject({ code: 'SWEEP_AMBIGUOUS' });
    await removeSweep(folder, never);
    expect(await findSweep('nice')).toBe(other);
    await removeSweep(other, never);
    await expect(findSweep('nice')).rejects.toThrow('is gone');
    await expect(findSweep(home.folder)).rejects.toThrow('it has no sweep.json');
  });

  test('whatever else lies among the notes', async () => {
    const notes = join(home.folder, 'data/gva/sweeps');
    await mkdir(notes, { recursive: true });
    await writeFile(join(notes, `${'a'.repeat(32)}.json`), '{"name":3}');
    await writeFile(join(notes, 'README'), '');
    expect(await knownSweeps()).toEqual([]);
  });
});

const collect = async (path: string) => {
  const found = [];
  for await (const row of readRows(path)) found.push(row);
  return found;
};

describe('the table of results', () => {
  test('is read from results.jsonl, else from results.csv', async () => {
    await writeSweep(folder, {
      'results.csv': 'gva_point,word,gva_state\r\n0,"a,""b",done\r\n1,,pending\r\n',
    });
    expect(await collect(folder)).toEqual([
      { gva_point: 0, word: 'a,"b', gva_state: 'done' },
      { gva_point: 1, word: null, gva_state: 'pending' },
    ]);
    await writeSweep(folder, { 'results.jsonl': linesOf(rows) });
    expect(await collect(folder)).toEqual(rows);
  });

  test('that is missing or damaged is an error', async () => {
    await writeSweep(folder);
    await expect(collect(folder)).rejects.toMatchObject({ code: 'RESULTS_MISSING' });
    await writeSweep(folder, { 'results.jsonl': `${linesOf(rows)}[1]\n` });
    await expect(collect(folder)).rejects.toThrow('results.jsonl, line 4');
  });

  test('becomes Parquet', async () => {
    await writeSweep(folder, { 'results.jsonl': linesOf(rows) });
    const target = join(home.folder, 'squares.parquet');
    await exportResults(folder, 'parquet', target, { force: false, signal: never });
    const bytes = await readFile(target);
    const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
    const read = await parquetReadObjects({ file });
    expect(read).toMatchObject([
      { n: 1, word: 'a', area: 1, gva_state: 'done' },
      { n: 2, word: 'b\u001b', area: null, gva_state: 'failed' },
      { n: 3, word: 'c', area: null, gva_state: 'running' },
    ]);
    const again = exportResults(folder, 'parquet', target, { force: false, signal: never });
    await expect(again).rejects.toMatchObject({ code: 'OUT_EXISTS' });
  });
});

describe('removing', () => {
  const own = {
    ...{ 'status.json': '', 'results.csv': '', 'results.jsonl': '', 'sweep.log': '', 'store.db': '' },
    ...{
      'store.db-wal': '',
      'store.db.123.old': '',
      '.status.json.0123456789ab.tmp': '',
      '..lock-0123456789ab.0123456789ab.tmp': '',
      'requests/1-a.json': '',
    },
    ...{ 'points/0000/0000001/output/a/b': '', 'points/0000/.0000002.0123456789ab.tmp/x': '' },
    'points/.earlier/abc/result.json': '',
  };

  test('takes all that is of a sweep', async () => {
    await writeSweep(folder, { ...own, ...(await lockOf('dead')) });
    expect(await removeSweep(folder, never)).toEqual([]);
    await expect(lstat(folder)).rejects.toThrow('ENOENT');
  });

  test('leaves what is not, and follows no link', async () => {
    const precious = join(home.folder, 'precious');
    await mkdir(precious);
    await writeFile(join(precious, 'file'), '');
    await writeSweep(folder, { ...own, 'notes.txt': '', 'points/mine': '', 'points/0000/mine': '' });
    await symlink(precious, join(folder, 'points/0001'));
    await symlink(precious, join(folder, 'points/0000/0000003'));
    await symlink(precious, join(folder, 'points/0000/0000001/output/link'));
    await symlink(precious, join(folder, 'gather'));
    expect((await removeSweep(folder, never)).sort()).toEqual(['notes.txt', 'points']);
    expect((await readdir(join(folder, 'points'))).sort()).toEqual(['0000', 'mine']);
    expect(await readdir(precious)).toEqual(['file']);
  });

  test('is refused while the sweep runs, and of what is no sweep or a link to one', async () => {
    await writeSweep(folder, { ...own, ...(await lockOf('alive')) });
    await expect(removeSweep(folder, never)).rejects.toMatchObject({ code: 'SWEEP_IN_USE' });
    const link = join(home.folder, 'link');
    await symlink(folder, link);
    await expect(removeSweep(link, never)).rejects.toThrow('is a link');
    await expect(removeSweep(home.folder, never)).rejects.toMatchObject({ code: 'SWEEP_UNKNOWN' });
    expect(await readdir(folder)).toContain('store.db');
  });

  test('that was broken off can be done again', async () => {
    await writeSweep(folder, own);
    await expect(removeSweep(folder, AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
    expect(await readdir(folder)).toContain('sweep.json');
    expect(await removeSweep(folder, never)).toEqual([]);
  });
});

test('a status of many running points is read as well', async () => {
  const running = Array.from({ length: 10_000 }, (_, index) => ({ ...runningStatus.running[0]!, index }));
  await writeSweep(folder, { 'status.json': { ...runningStatus, running }, ...(await lockOf('alive')) });
  expect((await readStatus(folder))?.status.running).toHaveLength(10_000);
  await using file = await open(join(folder, 'status.json'), 'r+');
  await file.truncate(17 << 20);
  await expect(readStatus(folder)).rejects.toThrow('longer than');
});
