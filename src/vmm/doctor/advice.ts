import type {
  Advice,
  DoctorReport,
  FolderFacts,
  HostFacts,
  HostLimits,
  VmmFinding,
} from '../../model/doctor.js';
import { packageOfTool } from '../../system/process.js';
import { formatSize } from '../../system/units.js';
import { install } from './candidates.js';

/** What is missing or could be better, most important first. */
export function advise(
  report: Pick<DoctorReport, 'bases' | 'tools' | 'vmms' | 'folders' | 'limits'> &
    Partial<Pick<DoctorReport, 'host'>>,
): Advice[] {
  const advice = [
    ...adviseOnTools(report),
    ...adviseOnBases(report),
    ...report.vmms.flatMap(adviseOnVmm),
    ...report.folders.flatMap(adviseOnFolder),
    ...adviseOnLimits(report.limits),
    ...(report.host ? adviseOnSandbox(report.host) : []),
  ];
  // QEMU may be missing for two accelerators at once.
  return advice.filter(({ hint }, index) => advice.findIndex((other) => other.hint === hint) === index);
}

function adviseOnVmm({ verdict, reason, hint }: VmmFinding): Advice[] {
  return verdict === 'works' || hint === null ? [] : [{ problem: reason ?? verdict, hint }];
}

function adviseOnTools({ tools, bases }: Pick<DoctorReport, 'tools' | 'bases'>): Advice[] {
  // Who has a base needs nothing to build one with.
  const needed = tools.filter(
    ({ neededFor }) => neededFor === 'run' || (neededFor === 'base' && !bases.some(isUsable)),
  );
  const missing = needed.filter(({ path }) => path === null).map(({ name }) => name);
  if (missing.length === 0) return [];
  if (missing.includes('apt-get')) return [noApt];
  const packages = [...new Set(missing.map((name) => packageOfTool[name] ?? name))];
  const are = missing.length === 1 ? 'is' : 'are';
  return [{ problem: `${missing.join(', ')} ${are} not installed`, hint: install(packages.join(' ')) }];
}

const noApt: Advice = {
  problem: 'apt-get is not installed, and base images are built from Debian packages',
  hint: 'Build the base on a Debian or Ubuntu machine and copy its folder ~/.local/share/gva/bases here.',
};

function adviseOnBases({ bases }: Pick<DoctorReport, 'bases'>): Advice[] {
  const broken = bases.flatMap(({ problem }) =>
    problem === null ? [] : [{ problem, hint: 'gva base build micro --force' }],
  );
  if (broken.length > 0 || bases.some(isUsable)) return broken;
  return [{ problem: 'there is no base image, so no guest can be started', hint: 'gva base build micro' }];
}

const isUsable = ({ problem }: { problem: string | null }) => problem === null;

/** Bytes: room for a base, its packages and a few output disks. */
const enoughRoom = 1 << 30;
/** Bytes: one guest's memory by default. */
const enoughMemory = 256 << 20;
const networks = /^(nfs\d?|cifs|smb\w*|lustre|gpfs|beegfs|ceph|afs|fuse\.sshfs|9p)$/;

function adviseOnFolder({ use, path, free, fileSystem, writable }: FolderFacts): Advice[] {
  const elsewhere = {
    scratch: 'Name another folder in GVA_SCRATCH',
    cache: 'Name another folder in XDG_CACHE_HOME',
    data: 'Name another folder in XDG_DATA_HOME',
    memory: 'sudo mount -o remount,size=2G /dev/shm (until then User-mode Linux keeps memory in files)',
  }[use];
  if (!writable) return [{ problem: `${path} (${use}) cannot be written to`, hint: elsewhere }];
  if (free !== null && free < (use === 'memory' ? enoughMemory : enoughRoom))
    return [{ problem: `only ${formatSize(free)} are free in ${path} (${use})`, hint: elsewhere }];
  if (use === 'scratch' && fileSystem !== null && networks.test(fileSystem))
    return [{ problem: `${path} (scratch) is on the network (${fileSystem}): slow`, hint: elsewhere }];
  return [];
}

/** Least values that leave room for one guest of 256 MiB, and the shell's letters for `ulimit`. */
const least = {
  processes: { value: 256, letter: 'u', what: 'processes' },
  openFiles: { value: 256, letter: 'n', what: 'open files' },
  addressSpace: { value: 2000 << 20, letter: 'v', what: 'address space' },
  fileSize: { value: 1 << 30, letter: 'f', what: 'size of a file' },
} as const;

function adviseOnLimits(limits: HostLimits | null): Advice[] {
  if (!limits) return [];
  return (Object.keys(least) as (keyof HostLimits)[]).flatMap((name) => {
    const { soft, hard } = limits[name];
    const { value, letter, what } = least[name];
    if (soft === null || soft >= value) return [];
    const inBytes = name === 'addressSpace' || name === 'fileSize';
    const hint =
      hard === null || hard >= value
        ? `ulimit -${letter} ${hard ?? 'unlimited'}${hard !== null && inBytes ? " (in the shell's units)" : ''}`
        : 'Ask for a higher limit: an administrator, or the options of the grid job.';
    return [{ problem: `the limit on ${what} is ${inBytes ? formatSize(soft) : soft}`, hint }];
  });
}

function adviseOnSandbox({ platform, bubblewrap, userNamespaces, sandbox }: HostFacts): Advice[] {
  // Where ordinary users get no namespaces, it would not help.
  if (platform !== 'linux' || bubblewrap !== null || userNamespaces === false || sandbox.setting === 'off')
    return [];
  return [
    {
      problem:
        'bubblewrap is not installed: a guest that breaks out of its monitor has the rights of the user',
      hint: install('bubblewrap'),
    },
  ];
}
