import { isAbsolute, resolve } from 'node:path';
import { type VmmCommand, filterDescriptor, infoDescriptor } from './supervisor.js';

/** What bubblewrap is to show of this host to any run of a program. */
export interface HostView {
  /** The program, by a name that it has inside, too. */
  readonly program: string;
  /** Files and folders of the program's own. */
  readonly programFiles: readonly string[];
  /** Of the system. */
  readonly folders: readonly string[];
  readonly links: readonly { readonly path: string; readonly target: string }[];
  /** Options that not every host takes. */
  readonly options: readonly string[];
}

/** What a VMM may reach of this host beside the system's programs: paths of files and folders. */
export interface Reach {
  /** What is not there is left out, so that the VMM itself says what it misses. */
  readonly readable: readonly string[];
  /** May lie in something readable, and something readable in it: the longer path decides. */
  readonly writable: readonly string[];
  /** Devices to open. */
  readonly devices?: readonly string[];
  /** Whether it is in the network of this host. */
  readonly network?: boolean;
  /** Whether it gets a /dev/shm of its own. */
  readonly memory?: boolean;
}

/** How a program is confined on this host. */
export interface Bubblewrap {
  /** The program of bubblewrap. */
  readonly bwrap: string;
  readonly host: HostView;
  /** Of system calls, as `--seccomp` takes it; undefined: all are let through. */
  readonly filter: Buffer | undefined;
}

/** The command inside bubblewrap. */
export function confinedCommand(
  command: VmmCommand,
  reach: Reach,
  { bwrap, host, filter }: Bubblewrap,
): VmmCommand {
  const info = ['--info-fd', String(infoDescriptor(command))];
  const seccomp = filter ? ['--seccomp', String(filterDescriptor(command))] : [];
  const inside = [...confinementArguments(host, reach), '--', host.program, ...command.args];
  return { ...command, program: bwrap, args: [...info, ...seccomp, ...inside], confined: { filter } };
}

/** Every option of bubblewrap's, for a VMM of this reach; known to its versions since 0.4. */
export function confinementArguments(host: HostView, reach: Reach): string[] {
  const same = (option: string, paths: readonly string[]) => paths.flatMap((path) => [option, path, path]);
  return [
    '--unshare-pid',
    ...(reach.network ? [] : ['--unshare-net']),
    ...['--unshare-ipc', '--unshare-uts', '--die-with-parent'],
    ...['--cap-drop', 'ALL', ...host.options],
    ...same('--ro-bind-try', host.folders),
    ...host.links.flatMap(({ path, target }) => ['--symlink', target, path]),
    // User-mode Linux tells its guest what the CPU can. The processes of /proc would be of no use to anybody.
    ...['--ro-bind-try', '/proc/cpuinfo', '/proc/cpuinfo', '--dev', '/dev'],
    ...(reach.memory ? ['--tmpfs', '/dev/shm'] : []),
    ...same('--dev-bind-try', reach.devices ?? []),
    ...binds([...host.programFiles, ...reach.readable], reach.writable),
    ...workingFolder(reach),
    ...['--remount-ro', '/dev', '--remount-ro', '/'],
  ];
}

/** A folder's name comes before all those in it, as bubblewrap needs it. */
function binds(readable: readonly string[], writable: readonly string[]): string[] {
  const options = new Map<string, string>();
  for (const path of readable) options.set(resolve(path), '--ro-bind-try');
  for (const path of writable) options.set(resolve(path), '--bind-try');
  return [...options].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([path, option]) => [option, path, path]);
}

/** A VMM that is given relative names starts where they lead somewhere. */
function workingFolder({ readable, writable }: Reach): string[] {
  if ([...readable, ...writable].every(isAbsolute)) return [];
  return ['--dir', resolve(), '--chdir', resolve()];
}
