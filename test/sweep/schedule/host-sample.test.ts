import { describe, expect, test } from 'vitest';
import { groupLimits } from '../../../src/sweep/schedule/control-groups.js';
import { numberNamed } from '../../../src/sweep/schedule/host-files.js';
import { sampleHost } from '../../../src/sweep/schedule/host-sample.js';
import { containerGroups, hostWith, meminfo, unifiedGroups } from './host-fixture.js';

const gib = 2 ** 30;
const none = { cpus: Infinity, memory: Infinity };

describe('control groups', () => {
  const job = '/sys/fs/cgroup/user.slice/user-1000.slice/job.scope';
  const user = '/sys/fs/cgroup/user.slice/user-1000.slice';

  test('of version 2: the tightest of those above one another', async () => {
    const limits = await groupLimits(
      hostWith({
        ...unifiedGroups,
        [`${job}/cpu.max`]: 'max 100000\n',
        [`${user}/cpu.max`]: '250000 100000\n',
        [`${job}/memory.max`]: `${8 * gib}\n`,
        [`${job}/memory.current`]: `${3 * gib}\n`,
        [`${job}/memory.stat`]: `anon ${gib}\nfile ${2 * gib}\ninactive_file ${gib}\nactive_file ${gib}\n`,
        [`${user}/memory.max`]: 'max\n',
        [`${user}/memory.current`]: `${30 * gib}\n`,
      }),
    );
    expect(limits).toEqual({ cpus: 2.5, memory: 6 * gib });
  });

  const cpu = '/sys/fs/cgroup/cpu,cpuacct';
  const memory = '/sys/fs/cgroup/memory';

  test('of version 1, in a container', async () => {
    const limits = await groupLimits(
      hostWith({
        ...containerGroups,
        [`${cpu}/cpu.cfs_quota_us`]: '150000\n',
        [`${cpu}/cpu.cfs_period_us`]: '100000\n',
        [`${memory}/memory.limit_in_bytes`]: `${2 * gib}\n`,
        [`${memory}/memory.usage_in_bytes`]: `${gib}\n`,
        [`${memory}/memory.stat`]: `cache ${gib}\ninactive_file 7\ntotal_inactive_file ${gib / 2}\n`,
      }),
    );
    expect(limits).toEqual({ cpus: 1.5, memory: 1.5 * gib });
  });

  test('of version 1 that limit nothing', async () => {
    const limits = await groupLimits(
      hostWith({
        ...containerGroups,
        [`${cpu}/cpu.cfs_quota_us`]: '-1\n',
        [`${cpu}/cpu.cfs_period_us`]: '100000\n',
        [`${memory}/memory.limit_in_bytes`]: '9223372036854771712\n',
        [`${memory}/memory.usage_in_bytes`]: '10776576\n',
      }),
    );
    expect(limits).toEqual(none);
  });

  test('that use more than they may leave nothing', async () => {
    const files = { [`${job}/memory.max`]: '1000\n', [`${job}/memory.current`]: '1500\n' };
    expect(await groupLimits(hostWith({ ...unifiedGroups, ...files }))).toEqual({ ...none, memory: 0 });
  });

  test.each([
    ['no files', {}],
    ['rubbish', { '/proc/self/cgroup': 'x\n0::', '/proc/self/mountinfo': ' - \n\0\n - cgroup2' }],
    ['a path out of the tree', { ...unifiedGroups, '/proc/self/cgroup': '0::/../../etc\n' }],
    ['values that are none', { ...unifiedGroups, [`${job}/cpu.max`]: 'a b', [`${job}/memory.max`]: '' }],
    ['a quota of nothing', { ...unifiedGroups, [`${job}/cpu.max`]: '0 100000' }],
  ])('with %s limit nothing', async (_, files) => {
    expect(await groupLimits(hostWith(files))).toEqual(none);
  });
});

describe('a sample of the host', () => {
  test('has what the kernel says', async () => {
    const host = hostWith({
      '/proc/meminfo': meminfo(4096),
      '/proc/loadavg': '3.62 2.79 2.98 6/167 9805\n',
      '/proc/vmstat': 'nr_free_pages 5002824\npgpgin 9\npswpin 12\npswpout 30\n',
    });
    const expected = { cpus: 8, memory: 4 << 20, load: 3.62, runnable: 5, swapped: 42 };
    expect(await sampleHost(host, 8)).toEqual(expected);
  });

  test('has the limits of the groups', async () => {
    const files = {
      ...unifiedGroups,
      '/proc/meminfo': meminfo(8 << 20),
      '/sys/fs/cgroup/user.slice/cpu.max': '50000 100000\n',
      '/sys/fs/cgroup/user.slice/memory.max': `${gib}\n`,
      '/sys/fs/cgroup/user.slice/memory.current': '0\n',
    };
    expect(await sampleHost(hostWith(files), 8)).toMatchObject({ cpus: 0.5, memory: gib });
  });

  test('does without what the host does not say', async () => {
    const sample = await sampleHost(hostWith({}), 2);
    expect(sample).toMatchObject({ cpus: 2, load: 0, runnable: 0, swapped: undefined });
    expect(sample.memory).toBeGreaterThan(0);
  });

  test('of this host', async () => {
    const { cpus, memory, load } = await sampleHost();
    expect(cpus).toBeGreaterThan(0);
    expect(memory).toBeGreaterThan(0);
    expect(load).toBeGreaterThanOrEqual(0);
  });
});

test.each([
  ['pswpin 7', 'pswpin', 7],
  ['a 1\npswpin 7\n', 'pswpin', 7],
  ['xpswpin 7\n', 'pswpin', undefined],
  ['pswpinx 7\n', 'pswpin', undefined],
  ['Pss:      312 kB', 'Pss', 312],
  ['Pss_Dirty: 1 kB\nPss: 2 kB', 'Pss', 2],
  ['', 'x', undefined],
  [undefined, 'x', undefined],
])('in %j, %s is %s', (text, name, value) => {
  expect(numberNamed(text, name)).toBe(value);
});
