import { createOverlay } from '../../disk/qcow2/overlay.js';
import { findProgram, runTool } from '../../system/process.js';
import type { MachineSpec, Probe, VirtualMachine, VmmDriver } from '../driver.js';
import { startSupervised } from '../supervisor.js';
import { type Accelerator, qemuArguments } from './arguments.js';
import { kvmWorks } from './kvm-probe.js';

const program = 'qemu-system-x86_64';

export interface QemuOptions {
  /** A kernel with which KVM may be tried out. */
  readonly probeKernel: string;
}

/** QEMU, by KVM where that really works, else by emulation (TCG). */
export class QemuDriver implements VmmDriver {
  readonly name = 'qemu';
  readonly capabilities = { maxCpus: 255 };
  readonly #probeKernel: string;
  #accelerator: Promise<Accelerator> | undefined;

  constructor(options: QemuOptions) {
    this.#probeKernel = options.probeKernel;
  }

  async probe(): Promise<Probe> {
    const path = await findProgram(program);
    if (path === undefined)
      return {
        available: false,
        reason: `${program} is not installed`,
        hint: 'Install it: apt-get install --no-install-recommends qemu-system-x86',
      };
    const said = (await runTool(path, ['--version'])).toString();
    const version = /version (\S+)/.exec(said)?.[1] ?? 'unknown';
    return { available: true, version, accelerator: await this.#chooseAccelerator(path) };
  }

  async start(spec: MachineSpec): Promise<VirtualMachine> {
    for (const disk of spec.disks)
      if (disk.access === 'overlay' && disk.overlay !== undefined)
        await createOverlay(disk.overlay, disk.image, disk.size);
    const path = (await findProgram(program)) ?? program;
    return startSupervised({ program: path, args: qemuArguments(spec, await this.#chooseAccelerator(path)) });
  }

  #chooseAccelerator(path: string): Promise<Accelerator> {
    this.#accelerator ??= kvmWorks(path, this.#probeKernel).then((works) => (works ? 'kvm' : 'tcg'));
    return this.#accelerator;
  }
}
