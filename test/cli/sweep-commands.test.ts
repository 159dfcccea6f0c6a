import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { beforeEach, describe, expect, test } from 'vitest';
import { addSweepCommand } from '../../src/cli/sweep/command.js';
import { rememberSweep } from '../../src/sweep/observe/registry.js';
import { linesOf, lockOf, rows, runningStatus, writeSweep } from '../sweep/observe-fixture.js';
import { SweepPlace, sweep } from './sweep-command-fixture.js';

const place = new SweepPlace();
let folder: string;
beforeEach(() => {
  folder = place.folder;
});

describe('status', () => {
  test('shows a sweep that runs', async () => {
    await place.running();
    await rememberSweep('nice', folder);
    const { stdout, code } = await sweep(['status', 'nice']);
    expect(code).toBe(0);
    expect(
      stdout
        .replaceAll(folder, 'DIR')
        .replace(/(?<=%, |booting, )[^,\n]*/g, 'T')
        .split('\n'),
    ).toEqual([
      'sweep     squares (DIR)',
      `state     running (process ${process.pid} on here)`,
      'points    100: 5 done, 2 running, 2 failed, 1 lost, 90 pending (3 done before)',
      'rate      8.3 points per minute, 2 at once',
      expect.stringMatching(/^end {7}in about 11m00s \(10m00s to 13m00s\), .* UTC$/),
      'running   point 8: running 50%, T',
      '          point 9: booting, T, attempt 2',
      'slowest   4 (12.5 s)',
      'not done  point 7: failed: it broke',
      '',
    ]);
  });

  test('shows one that has ended, or whose process has', async () => {
    await place.finished();
    expect((await sweep(['status', folder])).stdout).toContain('state     finished\npoints    100: 100 done');
    await writeSweep(folder, { 'status.json': runningStatus });
    const { stdout } = await sweep(['status', folder, '--json']);
    expect(JSON.parse(stdout)).toMatchObject({
      folder,
      owner: 'none',
      state: 'stopped',
      counts: { pending: 92 },
    });
  });

  test('refuses what is no sweep, and one without a status', async () => {
    expect(await sweep(['status', 'nowhere', '--json'])).toMatchObject({ code: 2 });
    await writeSweep(folder);
    const { code, stderr } = await sweep(['status', folder]);
    expect(code).toBe(69);
    expect(stderr).toContain('has not said how it stands\nhint: ');
  });
});

describe('list', () => {
  test('shows points in a table that fits, with what the status knows', async () => {
    await place.finished();
    const { stdout } = await sweep(['list', folder]);
    expect(stdout).toBe(
      'point  state    n  word  area  seconds  cause\n' +
        '    0  done     1  a        1      1.5\n' +
        '    1  failed   2  b\ufffd                2  script-status\n' +
        '    2  pending  3  c\n',
    );
    const status = { ...runningStatus, running: [{ ...runningStatus.running[0], index: 0 }] };
    await writeSweep(folder, { 'status.json': status, ...(await lockOf('alive')) });
    expect((await sweep(['list', folder])).stdout).toContain('    0  running  1  a ');
  });

  test('filters, limits and prints JSON Lines', async () => {
    await place.finished();
    const { stdout } = await sweep(['list', folder, '--state', 'failed,done', '--json']);
    const listed = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
    expect(listed).toEqual(rows.slice(0, 2));
    const limited = await sweep(['list', folder, '--limit', '1']);
    expect(limited.stdout.split('\n')).toHaveLength(3);
    expect(limited.stderr).toContain('--limit 10');
    expect((await sweep(['list', folder, '--state', 'lost'])).stderr).toBe('no points\n');
    expect((await sweep(['list', folder, '--state', 'dead'])).stderr).toContain('States: pending, running,');
    expect(await sweep(['list', folder, '--limit', 'x'])).toMatchObject({ code: 2 });
  });

  test('without a sweep lists those that are known', async () => {
    expect((await sweep(['list'])).stderr).toContain('no sweeps');
    await place.finished();
    await rememberSweep('squares', folder);
    await rememberSweep('gone', join(place.parent, 'gone'));
    const { stdout } = await sweep(['list']);
    expect(stdout.replaceAll(place.parent, 'DIR')).toBe(
      'name     state     done  points  folder\n' +
        'gone     gone                    DIR/gone\n' +
        'squares  finished   100     100  DIR/squares\n',
    );
    expect(JSON.parse((await sweep(['list', '--json'])).stdout)).toHaveLength(2);
    expect(await sweep(['list', '--state', 'done'])).toMatchObject({ code: 2 });
  });
});

describe('logs', () => {
  const point = 'points/0000/0000007';

  test('prints what the scripts said, and nothing that plays tricks', async () => {
    await place.finished();
    await writeSweep(folder, {
      [`${point}/result.json`]: { scripts: [{ name: '50-run' }, { name: '50-run' }, { name: '../../x' }] },
      [`${point}/output/.gva/50-run.stdout`]: 'one \u001b]0;title\u0007\r\n',
      [`${point}/output/.gva/50-run.2.stdout`]: 'two ü\n',
      [`${point}/output/.gva/50-run.stderr`]: 'oh\n',
      [`${point}/console.log`]: 'Linux\r\n\u001b[1mbold\n',
      [`${point}/events.jsonl`]: '{"event":"boot"}\n',
    });
    expect((await sweep(['logs', folder, '7'])).stdout).toBe('one \ufffd]0;title\ufffd\ntwo ü\n');
    expect((await sweep(['logs', folder, '7', '--stderr'])).stdout).toBe('oh\n');
    expect((await sweep(['logs', folder, '7', '--console'])).stdout).toBe('Linux\nbold\n');
    expect((await sweep(['logs', folder, '7', '--events'])).stdout).toBe('{"event":"boot"}\n');
    expect(await sweep(['logs', folder, '7', '--events', '--stderr'])).toMatchObject({ code: 2, stdout: '' });
  });

  test('says why there is nothing to print', async () => {
    await place.running();
    expect((await sweep(['logs', folder, '8'])).stderr).toContain('point 8 is running (running)');
    expect((await sweep(['logs', folder, '100'])).stderr).toContain('there is no point 100');
    expect((await sweep(['logs', folder, '50'])).stderr).toContain('point 50 has no results');
    expect(await sweep(['logs', folder, '../1'])).toMatchObject({ code: 2 });
  });
});

describe('results', () => {
  test('are printed as they are kept, or written to a file', async () => {
    await place.finished();
    await writeSweep(folder, { 'results.csv': 'gva_point\r\n0\r\n' });
    expect((await sweep(['results', folder])).stdout).toBe('gva_point\r\n0\r\n');
    expect((await sweep(['results', folder, '--format', 'jsonl'])).stdout).toBe(linesOf(rows));
    const file = join(place.parent, 'out.parquet');
    expect(await sweep(['results', folder, '--format', 'parquet', '-o', file])).toMatchObject({ code: 0 });
    expect((await readFile(file)).subarray(0, 4).toString()).toBe('PAR1');
    expect((await sweep(['results', folder, '-o', file])).stderr).toContain('--force');
    expect(await sweep(['results', folder, '-o', file, '--force'])).toMatchObject({ code: 0 });
    expect(await sweep(['results', folder, '--format', 'parquet'])).toMatchObject({ code: 2, stdout: '' });
  });

  test('that are not there yet are missed', async () => {
    await writeSweep(folder);
    for (const format of ['csv', 'jsonl'])
      expect(await sweep(['results', folder, '--format', format])).toMatchObject({ code: 69, stdout: '' });
    const file = join(place.parent, 'out');
    expect(await sweep(['results', folder, '-o', file])).toMatchObject({ code: 69 });
    expect(await readdir(place.parent)).not.toContain('out');
  });
});

describe('watch', () => {
  test('prints lines up to the end', async () => {
    await writeSweep(folder, { 'status.json': { ...runningStatus, reason: 'the disk is full' } });
    const { code, stdout } = await sweep(['watch', folder]);
    expect(code).toBe(69);
    expect(stdout.split('\n')).toEqual([
      'point 7: failed: it broke',
      'stopped: 5/100 done, 2 failed, 1 lost: its process has ended without saying why',
      '',
    ]);
  });

  test('prints events', async () => {
    await place.finished();
    const { code, stdout } = await sweep(['watch', folder, '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ event: 'end', state: 'finished', counts: { done: 100 } });
  });
});

test.each([
  ['run', 'nowhere.yaml', '--out', 'out'],
  ['resume', 'nowhere'],
])('%s that cannot be done says so in a line for programs', async (...args) => {
  const { code, stdout } = await sweep([...args, '--json']);
  expect(code).toBe(2);
  expect(JSON.parse(stdout)).toMatchObject({ event: 'error', format: 'gva-sweep-events/1' });
  expect(stdout.split('\n')).toHaveLength(2);
});

test.each([
  'run',
  'status',
  'watch',
  'list',
  'logs',
  'results',
  'cancel',
  'retry',
  'resume',
  'rm',
  'rebuild',
])('the help of %s has examples', async (name) => {
  await expect(sweep([name, '--help'])).rejects.toMatchObject({ code: 'commander.helpDisplayed' });
  const program = new Command();
  addSweepCommand(program);
  const command = program.commands[0]!.commands.find((each) => each.name() === name)!;
  let text = '';
  command.configureOutput({ writeOut: (part) => (text += part) }).outputHelp();
  expect(text).toContain(`Examples:\n  gva sweep ${name}`);
});
