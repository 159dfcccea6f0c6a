import { readdir, statfs } from 'node:fs/promises';
import { arch, platform, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { umlProgram, umlRelease } from '../../base/uml-host.js';
import { ExitCode, GvaError } from '../../system/errors.js';
import { findProgram } from '../../system/process.js';
import type { Reach } from '../bubblewrap.js';
import { confined, machineReach } from '../confinement.js';
import { type MachineSpec, type Probe, type VirtualMachine, type VmmDriver, runsOnly } from '../driver.js';
import { machineLimits } from '../limits.js';
import { onHostCpus } from '../placement.js';
import { startSupervised } from '../supervisor.js';
import { umlArguments, unusablePath } from './arguments.js';

export interface UmlOptions {
  /** Release of the kernel whose modules the base has; undefined where it has none. */
  readonly modulesRelease: string | undefined;
}

/** User-mode Linux: a kernel as an ordinary process. Native speed with neither KVM nor root; one CPU. */
export class UmlDriver implements VmmDriver {
  readonly name = 'uml';
  readonly capabilities = { ...runsOnly, maxCpus: 1, boots: ['direct'] } as const;
  readonly #modulesRelease: string | undefined;

  constructor(options: UmlOptions) {
    this.#modulesRelease = options.modulesRelease;
  }

  async probe(): Promise<Probe> {
    if (platform() !== 'linux' || arch() !== 'x64')
      return { available: false, reason: 'User-mode Linux needs Linux on x86-64', hint: 'Use --vmm qemu.' };
    let release: string | undefined;
    try {
      release = await umlRelease();
    } catch (error) {
      if (!(error instanceof GvaError)) throw error;
      return { available: false, reason: error.message, hint: error.hint ?? 'Use --vmm qemu.' };
    }
    if (release === undefined)
      return {
        available: false,
        reason: `${umlProgram()} is not installed`,
        hint: 'Install it: apt-get install user-mode-linux; or name a kernel in GVA_UML_KERNEL',
      };
    if (release !== this.#modulesRelease)
      return {
        available: false,
        reason: `the base has modules for the kernel ${this.#modulesRelease ?? '(none)'}, not ${release}`,
        hint: 'Build the base again: gva base build micro --force',
      };
    return { available: true, version: release, accelerator: 'native' };
  }

  async start(spec: MachineSpec): Promise<VirtualMachine> {
    refuseUnsupported(spec);
    for (const disk of spec.disks) checkPath(disk.access === 'overlay' ? (disk.overlay ?? '') : disk.image);
    const program = (await findProgram(umlProgram())) ?? umlProgram();
    const env = { TMPDIR: await memoryFolder(spec.memory, spec.folders.uml) };
    // The guest's memory is a file; its size includes the gap before the heap, which the host's kernel makes at
    // random, of up to 1 GiB.
    const limits = machineLimits(spec, { file: spec.memory + 2 ** 30 });
    const command = { program, args: umlArguments(spec), env, limits, sockets: spec.channel ? 1 : 0 };
    const inside = await confined(command, await umlReach(spec));
    const machine = await startSupervised(await onHostCpus(inside, spec.placement ?? {}));
    const [port] = machine.sockets;
    return port ? Object.assign(machine, { channel: { port, kind: 'serial' as const } }) : machine;
  }
}

/**
 * User-mode Linux makes its overlays itself, so that it may write to their folders. What is there already keeps its
 * name and kind: a guest that has broken out cannot put a link or a pipe in the place of the output disk.
 */
async function umlReach(spec: MachineSpec): Promise<Reach> {
  const { readable, writable } = machineReach(spec);
  const folders = [...new Set(spec.disks.flatMap(({ overlay }) => (overlay ? [dirname(overlay)] : [])))];
  const entries = await Promise.all(
    folders.map(async (folder) => {
      const names = await readdir(folder).catch(() => []);
      return names.map((name) => join(folder, name));
    }),
  );
  return {
    readable: [...readable, spec.folders.hostfs, ...entries.flat()],
    writable: [...writable, ...folders, spec.folders.uml],
    memory: true,
  };
}

function refuseUnsupported({ boot, cpus, placement }: MachineSpec): void {
  const refuse = (problem: string) => {
    throw new GvaError('UML_UNSUPPORTED', `User-mode Linux ${problem}`, { hint: 'Use --vmm qemu.' });
  };
  if (boot.kind === 'firmware') refuse('cannot boot a disk by firmware');
  if (cpus > 1) refuse(`gives a guest one CPU, not ${cpus}`);
  if (placement?.numaNode !== undefined) refuse("cannot bind a guest's memory to a NUMA node");
}

function checkPath(path: string): void {
  const problem = unusablePath(path);
  if (problem !== undefined)
    throw new GvaError('UML_PATH', `User-mode Linux cannot use this path: ${problem}`, {
      exitCode: ExitCode.infrastructure,
      hint: 'Set GVA_SCRATCH and XDG_CACHE_HOME to folders with plain names, or use --vmm qemu.',
    });
}

/**
 * The guest's memory is a file here: in memory, unless there is no room, or it needs more than half of the host's,
 * which is the most that bubblewrap's /dev/shm takes.
 *
 * @param otherwise a folder of the instance's
 */
export async function memoryFolder(bytes: number, otherwise: string): Promise<string> {
  const free = await statfs('/dev/shm').then(
    (info) => info.bavail * info.bsize,
    () => 0,
  );
  return free >= bytes && totalmem() / 2 >= bytes ? '/dev/shm' : otherwise;
}
