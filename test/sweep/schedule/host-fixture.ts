import type { ReadHostFile } from '../../../src/sweep/schedule/host-files.js';

/** A host that has these files and no others. */
export function hostWith(files: Readonly<Record<string, string>>): ReadHostFile {
  return (path) => Promise.resolve(files[path]);
}

export const meminfo = (availableKiB: number) =>
  `MemTotal:       24684096 kB
MemFree:        20011296 kB
MemAvailable:   ${availableKiB} kB
Buffers:          122364 kB
`;

/** Of a Debian host with systemd: a job in a slice of the user's. */
export const unifiedGroups = {
  '/proc/self/cgroup': '0::/user.slice/user-1000.slice/job.scope\n',
  '/proc/self/mountinfo': `24 30 0:22 / /proc rw,nosuid,nodev,noexec,relatime shared:13 - proc proc rw
31 24 0:27 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot
`,
};

/** Of a container on a host with version 1, which sees its own group only. */
export const containerGroups = {
  '/proc/self/cgroup': `9:memory:/docker/4f1c
5:cpu,cpuacct:/docker/4f1c
1:name=systemd:/docker/4f1c
0::/system.slice/containerd.service
`,
  '/proc/self/mountinfo': `801 800 0:31 /docker/4f1c /sys/fs/cgroup/cpu,cpuacct ro,nosuid master:16 - cgroup cgroup rw,cpu,cpuacct
802 800 0:35 /docker/4f1c /sys/fs/cgroup/memory ro,nosuid master:20 - cgroup cgroup rw,memory
`,
};
