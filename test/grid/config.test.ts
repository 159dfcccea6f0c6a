import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readGridConfig } from '../../src/grid/config.js';
import { parseTimeLimit } from '../../src/grid/time-limit.js';
import { configFiles } from '../../src/system/paths.js';
import { temporaryFolder } from '../support/gva.js';

async function configOf(user: string, site?: string) {
  await using folder = await temporaryFolder();
  const files = { user: join(folder.path, 'user.yaml'), site: join(folder.path, 'site.yaml') };
  await writeFile(files.user, user);
  if (site !== undefined) await writeFile(files.site, site);
  return await readGridConfig(files).catch((error: unknown) => {
    throw new Error(String(error).replaceAll(`${folder.path}/`, ''));
  });
}

describe('the configuration', () => {
  it('all that it can say', async () => {
    const text = `grid:
  engine: slurm
  partition: main
  account: physics
  qos: low
  constraint: avx512&big
  time: 1h
  arrayLimit: 50
  mostJobs: 20000
  bundle: auto
  sbatch: [--reservation=mine, --exclusive]
  nodeCache: /scratch/gva
  node: /opt/node/bin/node
  setup: |
    module load qemu
    ulimit -c 0
`;
    expect(await configOf(text)).toEqual({
      ...{ engine: 'slurm', partition: 'main', account: 'physics', qos: 'low', constraint: 'avx512&big' },
      ...{
        time: 3600,
        arrayLimit: 50,
        mostJobs: 20_000,
        bundle: 'auto',
        sbatch: ['--reservation=mine', '--exclusive'],
      },
      ...{ nodeCache: '/scratch/gva', node: '/opt/node/bin/node' },
      setup: 'module load qemu\nulimit -c 0\n',
    });
  });

  it('of the site, what the user says nothing about', async () => {
    const site = 'grid: { partition: main, bundle: 4, sbatch: [--exclusive] }';
    expect(await configOf('grid: { bundle: 7 }', site)).toEqual({
      ...{ partition: 'main', bundle: 7, sbatch: ['--exclusive'] },
    });
    expect(await configOf('', site)).toEqual({ partition: 'main', bundle: 4, sbatch: ['--exclusive'] });
    expect(await configOf('grid:\n')).toEqual({});
  });

  it('no files are no configuration; one that cannot be read is said', async () => {
    await using folder = await temporaryFolder();
    const none = { user: join(folder.path, 'none'), site: join(folder.path, 'none') };
    expect(await readGridConfig(none)).toEqual({});
    const error = await readGridConfig({ ...none, user: folder.path }).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'CONFIG_INVALID' });
    expect(String(error)).toContain('cannot be read');
  });

  it('is where the XDG specification wants it', async () => {
    await using folder = await temporaryFolder();
    const before = process.env['XDG_CONFIG_HOME'];
    process.env['XDG_CONFIG_HOME'] = folder.path;
    try {
      await mkdir(join(folder.path, 'gva'));
      await writeFile(join(folder.path, 'gva/config.yaml'), 'grid: { account: here }');
      expect((await readGridConfig()).account).toBe('here');
      expect(configFiles().site).toBe('/etc/gva/config.yaml');
    } finally {
      if (before === undefined) delete process.env['XDG_CONFIG_HOME'];
      else process.env['XDG_CONFIG_HOME'] = before;
    }
  });

  it('all that is wrong, with its place and what was meant', async () => {
    const text = `grid:
  engine: pbs
  partitoin: main
  account: 'two words'
  time: 30
  arrayLimit: 0
  bundle: some
  sbatch: [--array=1-2, job.sh]
  nodeCache: cache
  setup: [a]
gird: 1
`;
    await expect(configOf(text)).rejects.toThrow(
      [
        'GvaError: user.yaml:2:11: grid.engine: must be slurm or local',
        'user.yaml:3:3: grid: unknown entry "partitoin"; did you mean partition?',
        'user.yaml:4:12: grid.account: must be one word',
        'user.yaml:5:9: grid.time: must have a unit: 30m, or 30h',
        'user.yaml:6:15: grid.arrayLimit: must be 1 or more',
        'user.yaml:7:11: grid.bundle: must be auto, or a whole number',
        'user.yaml:8:12: grid.sbatch.0: --array of sbatch is for GVA to say',
        'user.yaml:8:25: grid.sbatch.1: "job.sh" cannot be passed on to sbatch',
        'user.yaml:9:14: grid.nodeCache: must be an absolute path',
        'user.yaml:10:10: grid.setup: must be lines of shell',
        'user.yaml:11:1: unknown entry "gird"; did you mean grid?',
      ].join('\n'),
    );
  });

  it('no YAML', async () => {
    await expect(configOf('grid: {')).rejects.toThrow('user.yaml:1:');
  });
});

it.each([
  ['90m', 5400],
  ['2h', 7200],
  ['1.5d', 129_600],
  ['90:00', 5400],
  ['2:00:00', 7200],
  ['1-12', 129_600],
  ['1-00:30', 88_200],
  ['1-00:00:01', 86_401],
  ['30', undefined],
  ['0m', undefined],
  ['1-', undefined],
  ['1:2:3:4', undefined],
  ['soon', undefined],
])('a time limit of %s', (text, seconds) => {
  expect(parseTimeLimit(text)).toBe(seconds);
});
