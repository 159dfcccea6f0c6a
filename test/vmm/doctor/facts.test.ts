import { describe, expect, it } from 'vitest';
import type { DoctorReport, VmmFinding } from '../../../src/model/doctor.js';
import { advise } from '../../../src/vmm/doctor/advice.js';
import { accelerators } from '../../../src/vmm/doctor/candidates.js';
import { fileSystemOf, lookAtFolders } from '../../../src/vmm/doctor/folders.js';
import { lookAtHost, lookAtTools } from '../../../src/vmm/doctor/host.js';
import { parseLimits, readLimits } from '../../../src/vmm/doctor/limits.js';

const none = { soft: null, hard: null };

describe('limits', () => {
  it('are read from the table of proc(5)', () => {
    const text = `Limit                     Soft Limit           Hard Limit           Units
Max file size             1048576              unlimited            bytes
Max processes             100                  96365                processes
Max open files            1024                 4096                 files
Max address space         unlimited            unlimited            bytes
`;
    expect(parseLimits(text)).toEqual({
      processes: { soft: 100, hard: 96365 },
      openFiles: { soft: 1024, hard: 4096 },
      addressSpace: none,
      fileSize: { soft: 1048576, hard: null },
    });
  });

  it('are none where the table has none', () => {
    expect(parseLimits('')).toEqual({ processes: none, openFiles: none, addressSpace: none, fileSize: none });
  });

  it('of this process have numbers or nothing', async () => {
    const limits = await readLimits();
    for (const { soft } of Object.values(limits ?? {})) expect(soft ?? 0).toBeGreaterThanOrEqual(0);
  });
});

describe('file systems', () => {
  const mounts = [
    '22 1 0:21 / / rw,relatime - ext4 /dev/vda rw',
    '23 22 0:22 / /home rw - nfs4 server:/home rw',
    '24 22 0:23 / /home/my\\040data rw shared:1 - xfs /dev/vdb rw',
    '25 22 0:24 / /tmp rw - ext4 /dev/vda rw',
    '26 25 0:25 / /tmp rw - tmpfs tmpfs rw',
  ].join('\n');

  it.each([
    ['/', 'ext4'],
    ['/var/tmp', 'ext4'],
    ['/home', 'nfs4'],
    ['/homes', 'ext4'],
    ['/home/user/x', 'nfs4'],
    ['/home/my data/x', 'xfs'],
    ['/tmp/x', 'tmpfs'],
  ])('of %s is %s', (path, type) => {
    expect(fileSystemOf(path, mounts)).toBe(type);
  });

  it('are unknown where nothing tells', () => {
    expect(fileSystemOf('/x', '')).toBeUndefined();
    expect(fileSystemOf('/x', 'rubbish\n - \n1 2 3')).toBeUndefined();
  });

  it('of the folders that GVA uses', async () => {
    const folders = await lookAtFolders();
    expect(folders.map(({ use }) => use)).toEqual(['scratch', 'cache', 'data', 'memory']);
  });
});

it('what could run guests depends on the machine', () => {
  expect(accelerators('linux', 'x64')).toEqual(['kvm', 'native', 'tcg']);
  expect(accelerators('darwin', 'x64')).toEqual(['hvf', 'tcg']);
  expect(accelerators('darwin', 'arm64')).toEqual(['tcg']);
  expect(accelerators('linux', 'arm64')).toEqual(['tcg']);
});

it('the host and its tools can be looked at', async () => {
  const host = await lookAtHost();
  expect(host.cpus.usable).toBeGreaterThan(0);
  expect(host.memory.total).toBeGreaterThan(host.memory.limit ?? 0);
  expect((await lookAtTools()).find(({ name }) => name === 'mke2fs')?.version).toMatch(/^\d/);
});

describe('advice', () => {
  type Facts = Parameters<typeof advise>[0];
  const base = { name: 'micro', digest: 'd', kernelRelease: '6', umlRelease: null, problem: null };
  const tool = (name: string, neededFor: 'run' | 'base', path: string | null) => ({
    ...{ name, neededFor, path, version: null },
  });
  const fine: Facts = { bases: [base], tools: [], vmms: [], folders: [], limits: null };
  const vmm: VmmFinding = {
    ...{ vmm: 'uml', accelerator: 'native', verdict: 'missing', program: null, version: null },
    ...{ reason: 'it is not installed', hint: 'install it', said: [] },
    ...{ bootSeconds: null, speeds: null, relative: null },
  };
  const folder: DoctorReport['folders'][number] = {
    ...{ use: 'scratch', path: '/s', free: 5 << 30, fileSystem: 'ext4', writable: true },
  };

  it('is none where all is well', () => {
    expect(advise({ ...fine, vmms: [{ ...vmm, verdict: 'works', hint: null }] })).toEqual([]);
  });

  it('names the packages of missing tools, once each, and those of builds only where there is no base', () => {
    const tools = [tool('mke2fs', 'run', null), tool('xz', 'base', null), tool('lz4', 'base', '/bin/lz4')];
    expect(advise({ ...fine, tools })).toEqual([
      {
        problem: 'mke2fs is not installed',
        hint: 'sudo apt-get install --no-install-recommends e2fsprogs',
      },
    ]);
    expect(advise({ ...fine, tools, bases: [] })).toMatchObject([
      {
        problem: 'mke2fs, xz are not installed',
        hint: 'sudo apt-get install --no-install-recommends e2fsprogs xz-utils',
      },
      { hint: 'gva base build micro' },
    ]);
  });

  it('does not tell to install apt by apt', () => {
    const facts = { ...fine, tools: [tool('apt-get', 'base', null), tool('xz', 'base', null)], bases: [] };
    expect(advise(facts)[0]?.hint).toContain('Debian or Ubuntu machine');
  });

  it('passes on the hints of monitors, each once', () => {
    expect(advise({ ...fine, vmms: [vmm, { ...vmm, accelerator: 'tcg' }] })).toEqual([
      { problem: 'it is not installed', hint: 'install it' },
    ]);
  });

  it('tells of broken bases', () => {
    expect(advise({ ...fine, bases: [{ ...base, problem: 'cut short' }] })).toEqual([
      { problem: 'cut short', hint: 'gva base build micro --force' },
    ]);
  });

  it('tells of folders that are full, on the network, or read only', () => {
    const problems = (facts: Partial<typeof folder>) =>
      advise({ ...fine, folders: [{ ...folder, ...facts }] }).map(({ problem }) => problem);
    expect(problems({})).toEqual([]);
    expect(problems({ free: 3 << 20 })).toEqual(['only 3 MiB are free in /s (scratch)']);
    expect(problems({ fileSystem: 'nfs4' })).toEqual(['/s (scratch) is on the network (nfs4): slow']);
    expect(problems({ use: 'cache', fileSystem: 'nfs4' })).toEqual([]);
    expect(problems({ writable: false })).toEqual(['/s (scratch) cannot be written to']);
    expect(problems({ free: null, fileSystem: null })).toEqual([]);
  });

  it('tells of limits that leave no room for a guest, and how to raise them', () => {
    const limits = { processes: none, openFiles: none, addressSpace: none, fileSize: none };
    expect(advise({ ...fine, limits })).toEqual([]);
    const tight = {
      ...limits,
      addressSpace: { soft: 1 << 30, hard: null },
      processes: { soft: 10, hard: 20 },
    };
    expect(advise({ ...fine, limits: tight })).toEqual([
      { problem: 'the limit on processes is 10', hint: expect.stringContaining('administrator') as string },
      { problem: 'the limit on address space is 1 GiB', hint: 'ulimit -v unlimited' },
    ]);
  });
});
