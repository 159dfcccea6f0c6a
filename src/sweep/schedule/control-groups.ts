import { posix } from 'node:path';
import { type ReadHostFile, numberNamed } from './host-files.js';

/** What the control groups of this process leave it; Infinity where they limit nothing. */
export interface GroupLimits {
  /** CPUs' worth of time. */
  readonly cpus: number;
  /** Bytes that can still be taken. */
  readonly memory: number;
}

/** A folder of a control group, with the one at the top of what can be seen from here. */
interface Group {
  readonly folder: string;
  readonly top: string;
}

/** Groups stand in groups, each with limits of its own; nobody nests them deeper. */
const deepest = 32;

/**
 * The limits of the groups that this process is in, and of all above them: version 2 (Linux,
 * Documentation/admin-guide/cgroup-v2.rst: cpu.max, memory.max), version 1 (cgroup-v1/memory.rst, and
 * scheduler/sched-bwc.rst: cpu.cfs_quota_us), or both side by side. The CPUs of a cpuset are no matter here:
 * `availableParallelism()` leaves out what the process may not run on.
 */
export async function groupLimits(read: ReadHostFile): Promise<GroupLimits> {
  const [own, mounts] = [await read('/proc/self/cgroup'), await read('/proc/self/mountinfo')];
  let [cpus, memory] = [Infinity, Infinity];
  if (own === undefined || mounts === undefined) return { cpus, memory };
  for (const folder of foldersUp(groupOf('', own, mounts))) {
    cpus = Math.min(cpus, quota2(await read(`${folder}/cpu.max`)));
    memory = Math.min(memory, await memoryLeft(read, folder, version2));
  }
  for (const folder of foldersUp(groupOf('cpu', own, mounts))) {
    const period = await read(`${folder}/cpu.cfs_period_us`);
    cpus = Math.min(cpus, quota(await read(`${folder}/cpu.cfs_quota_us`), period));
  }
  for (const folder of foldersUp(groupOf('memory', own, mounts)))
    memory = Math.min(memory, await memoryLeft(read, folder, version1));
  return { cpus, memory };
}

/** @param controller of version 1; empty: the tree of version 2 */
function groupOf(controller: string, own: string, mounts: string): Group | undefined {
  // cgroups(7): "hierarchy-ID:controller-list:cgroup-path".
  const lines = own.split('\n').map((line) => /^(\d+):([^:]*):(.*)$/.exec(line));
  const path = lines.find((line) => line?.[2]?.split(',').includes(controller) === true)?.[3];
  if (path === undefined) return undefined;
  for (const line of mounts.split('\n')) {
    // proc_pid_mountinfo(5): ID, parent, device, root, mount point, options, tags, "-", type, source, super options.
    const [front = '', back = ''] = line.split(' - ');
    const [type = '', , options = ''] = back.split(' ');
    const wanted =
      controller === '' ? type === 'cgroup2' : type === 'cgroup' && options.split(',').includes(controller);
    if (!wanted) continue;
    const [, , , root = '/', top = ''] = front.split(' ');
    return { top, folder: posix.join(top, pathBelow(root, path)) };
  }
  return undefined;
}

/** Of a group that cannot be seen from here, as in a container, what is mounted is the nearest that can. */
function pathBelow(root: string, path: string): string {
  const relative = posix.relative(root, path);
  return relative.startsWith('..') || path.includes('..') ? '' : relative;
}

function foldersUp(group: Group | undefined): string[] {
  const folders: string[] = [];
  if (!group) return folders;
  for (let { folder } = group; folders.length < deepest; folder = posix.dirname(folder)) {
    folders.push(folder);
    if (folder === group.top || folder === '/') break;
  }
  return folders;
}

/** `max 100000`, or `150000 100000`: microseconds of CPU time in each period. */
function quota2(text: string | undefined): number {
  const [most, period] = text?.trim().split(' ') ?? [];
  return quota(most, period);
}

/** -1 and `max` are no limit. */
function quota(most: string | undefined, period: string | undefined): number {
  const cpus = Number(most) / Number(period);
  return Number.isFinite(cpus) && cpus > 0 ? cpus : Infinity;
}

const version2 = { limit: 'memory.max', used: 'memory.current', cache: 'inactive_file' };
const version1 = {
  limit: 'memory.limit_in_bytes',
  used: 'memory.usage_in_bytes',
  cache: 'total_inactive_file',
};

/** Bytes below the limit; what is cached of files and not in use counts as free, as in MemAvailable. */
async function memoryLeft(read: ReadHostFile, folder: string, names: typeof version2): Promise<number> {
  const limit = Number((await read(`${folder}/${names.limit}`)) ?? NaN);
  // Version 1 writes the highest number of pages where there is no limit.
  if (!Number.isFinite(limit) || limit >= 2 ** 60) return Infinity;
  const used = Number((await read(`${folder}/${names.used}`)) ?? NaN);
  if (!Number.isFinite(used)) return Infinity;
  const cache = numberNamed(await read(`${folder}/memory.stat`), names.cache) ?? 0;
  return Math.max(0, limit - used + Math.min(cache, used));
}
