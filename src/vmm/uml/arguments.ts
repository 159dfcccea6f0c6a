import { diskHints } from '../disk-hints.js';
import type { Disk, MachineSpec } from '../driver.js';
import { eventsDescriptor, firstSocketDescriptor } from '../supervisor.js';

/**
 * The command line of a User-mode Linux kernel. The names of its block devices are ubda, ubdb, ...; `cow,base`
 * is a copy-on-write file over an image, `r` after the number makes a disk read-only.
 */
export function umlArguments(spec: MachineSpec): string[] {
  return [
    ...spec.disks.map(ubd),
    ...diskHints(spec.disks, 'ubd'),
    ...['rw', 'init=/sbin/init', 'quiet'],
    `mem=${Math.ceil(spec.memory / 2 ** 20)}M`,
    // Console to standard output; the first serial line to the inherited socket; no terminals besides.
    ...['con=null', 'con0=null,fd:1', 'ssl=null', `ssl0=fd:${eventsDescriptor},fd:${eventsDescriptor}`],
    ...(spec.channel ? channelArguments : []),
    // Two thirds of the boot would be a benchmark of RAID routines that no guest needs.
    'initcall_blacklist=raid6_select_algo,calibrate_xor_blocks,register_xor_blocks',
    // By default a guest's root could mount every folder that this user can read.
    `hostfs=${spec.folders.hostfs}`,
    ...[`uml_dir=${spec.folders.uml}/`, 'umid=guest'],
  ];
}

/** The second serial line, as the first. */
const channelArguments = [
  `ssl1=fd:${firstSocketDescriptor},fd:${firstSocketDescriptor}`,
  'gva.channel=/dev/ttyS1',
];

function ubd(disk: Disk, index: number): string {
  const flag = disk.access === 'read-only' ? 'r' : '';
  const file = disk.access === 'overlay' ? `${disk.overlay ?? ''},${disk.image}` : disk.image;
  return `ubd${index}${flag}=${file}`;
}

/** What keeps a disk from being named on the kernel's command line; undefined where nothing does. */
export function unusablePath(path: string): string | undefined {
  return /[\s,:"]/.test(path) ? `${path} has a blank, comma, colon or quote in it` : undefined;
}
