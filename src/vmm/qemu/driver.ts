import { existsSync } from 'node:fs';
import { arch, platform } from 'node:os';
import type { Architecture } from '../../model/base.js';
import { ExitCode, GvaError } from '../../system/errors.js';
import { confined, machineReach } from '../confinement.js';
import type { MachineSpec, Probe, Templates, VmmDriver } from '../driver.js';
import { machineLimits } from '../limits.js';
import { onHostCpus } from '../placement.js';
import { firstFileDescriptor, startSupervised } from '../supervisor.js';
import { type Accelerator, type QemuHost, qemuArguments, socketsOf } from './arguments.js';
import { hostFacts } from './facts.js';
import { makeOverlays } from './overlays.js';
import {
  type QemuInstallation,
  findQemu,
  firmwareFolders,
  isTooOld,
  mapsReadOnlyFiles,
  qemuPrograms,
} from './installation.js';
import { kvmPath } from './kvm-device.js';
import { kvmWorks } from './kvm-probe.js';
import { QemuMachine } from './qemu-machine.js';
import { StateSocket } from './state-socket.js';
import { copyVariables, findUefi } from './uefi.js';

const resolverFile = '/etc/resolv.conf';

export interface QemuOptions {
  /** A kernel with which KVM may be tried out; where there is none, KVM is not used. */
  readonly probeKernel: string | undefined;
  /** Of the guests; x86_64 where absent. */
  readonly arch?: Architecture;
  /** A folder with a QEMU of the user's own (`findQemu`); this machine's where absent. */
  readonly folder?: string | undefined;
}

/** QEMU, by KVM or a Mac's HVF where that really works, else by emulation (TCG). */
export class QemuDriver implements VmmDriver {
  readonly name = 'qemu';
  readonly capabilities = {
    maxCpus: 255,
    boots: ['direct', 'firmware'],
    shutdown: true,
    templates: true,
    exchange: true,
    qemuAgent: true,
    service: true,
    checkpoints: true,
  } as const;
  readonly templates: Templates = { facts: (spec) => this.#facts(spec) };
  readonly #options: QemuOptions;
  readonly #arch: Architecture;
  #installation: Promise<QemuInstallation | undefined> | undefined;
  #accelerator: Promise<Accelerator> | undefined;

  constructor(options: QemuOptions) {
    this.#options = options;
    this.#arch = options.arch ?? 'x86_64';
  }

  async probe(): Promise<Probe> {
    const qemu = await this.#find();
    if (!qemu)
      return { available: false, reason: `${this.#program} is not installed`, hint: this.#installHint };
    const { version } = qemu;
    if (isTooOld(version))
      return {
        available: false,
        reason: `${qemu.program} is version ${version}; 7.2 or newer is needed`,
        hint: 'Name a folder with a newer one: --qemu DIR',
      };
    return { available: true, version, accelerator: await this.#chooseAccelerator(qemu) };
  }

  async start(spec: MachineSpec): Promise<QemuMachine> {
    const qemu = await this.#found();
    const uefiCode = await makeFiles(spec, qemu);
    const accelerator = await this.#chooseAccelerator(qemu);
    const host = hostFor(qemu, accelerator, this.#arch);
    const args = qemuArguments(spec, { ...host, ...(uefiCode === undefined ? {} : { uefiCode }) });
    const memoryFile = spec.memoryFile ? { file: spec.memory } : {};
    const limits = machineLimits(spec, { addressSpace: ownAddressSpace, ...memoryFile });
    // QEMU's own filter lets it start no program that would read a state for it.
    const files = spec.incoming ? [{ path: spec.incoming.state, flags: 'r' }] : [];
    const command = {
      program: qemu.program,
      args,
      env: qemu.env,
      sockets: socketsOf(spec).length,
      files,
      limits,
      // A job's end comes to all its processes at once, and the machine is to be saved first.
      sparedTerm: spec.disks.some(({ layers }) => layers),
    };
    const socket = spec.saveSocket === undefined ? undefined : await StateSocket.listen(spec.saveSocket);
    const { readable, writable } = machineReach(spec, host.readOnlyMemoryFile);
    const inside = await confined(command, {
      readable: [
        ...[...readable, ...qemu.dataFolders],
        ...(uefiCode === undefined ? [] : [uefiCode]),
        // Where QEMU's network finds who knows names.
        ...(spec.network && existsSync(resolverFile) ? [resolverFile] : []),
      ],
      writable,
      network: spec.network ?? false,
      devices: accelerator === 'kvm' ? [kvmPath] : [],
    });
    const supervised = await startSupervised(await onHostCpus(inside, spec.placement ?? {}));
    const machine = new QemuMachine(supervised, { socket, disks: spec.disks, sockets: socketsOf(spec) });
    if (spec.incoming) await machine.resume(firstFileDescriptor(command), spec.incoming);
    return machine;
  }

  async #facts(spec: MachineSpec): Promise<Readonly<Record<string, string>>> {
    const qemu = await this.#found();
    const accelerator = await this.#chooseAccelerator(qemu);
    const args = qemuArguments(spec, hostFor(qemu, accelerator, this.#arch));
    return { ...(await hostFacts(qemu, accelerator)), arguments: args.join(' ') };
  }

  async #found(): Promise<QemuInstallation> {
    const qemu = await this.#find();
    if (qemu) return qemu;
    throw new GvaError('VMM_START', `cannot start ${this.#program}: it is not installed`, {
      exitCode: ExitCode.infrastructure,
      hint: this.#installHint,
    });
  }

  #find(): Promise<QemuInstallation | undefined> {
    this.#installation ??= findQemu(this.#options.folder, this.#arch);
    return this.#installation;
  }

  get #program(): string {
    return qemuPrograms[this.#arch].name;
  }

  get #installHint(): string {
    const { debianPackage } = qemuPrograms[this.#arch];
    return `Install it: apt-get install --no-install-recommends ${debianPackage}; or name a folder that has it: --qemu DIR`;
  }

  async #tryKvm(qemu: QemuInstallation): Promise<boolean> {
    const { probeKernel } = this.#options;
    return probeKernel !== undefined && (await kvmWorks(qemu.program, probeKernel, qemu));
  }

  #chooseAccelerator(qemu: QemuInstallation): Promise<Accelerator> {
    this.#accelerator ??= chooseAccelerator(platform(), arch(), () => this.#tryKvm(qemu), this.#arch);
    return this.#accelerator;
  }
}

const hostFor = (
  { version, dataFolders }: QemuInstallation,
  accelerator: Accelerator,
  guest: Architecture,
): QemuHost => ({
  ...{ arch: guest, accelerator, dataFolders, sandbox: platform() === 'linux' },
  readOnlyMemoryFile: mapsReadOnlyFiles(version),
});

/** Bytes: the translation buffer of TCG is 1 GiB of it, libraries and firmware 0.7; the rest is reserve. */
const ownAddressSpace = 4 * 2 ** 30;

/**
 * Guests of another architecture are emulated, and on ARM all are: how KVM would be tried out there is not known.
 *
 * @param kvm asked only where there may be KVM
 */
export async function chooseAccelerator(
  system: string,
  processor: string,
  kvm: () => Promise<boolean>,
  guest: Architecture = 'x86_64',
): Promise<Accelerator> {
  if (processor !== 'x64' || guest !== 'x86_64') return 'tcg';
  if (system === 'darwin') return 'hvf';
  return system === 'linux' && (await kvm()) ? 'kvm' : 'tcg';
}

/** Makes the files that are the instance's own; gives the UEFI firmware's code where that is to boot it. */
async function makeFiles(spec: MachineSpec, qemu: QemuInstallation): Promise<string | undefined> {
  // Those of a machine that goes on from a checkpoint have something in them already.
  if (!spec.incoming?.checkpoint) await makeOverlays(spec.disks);
  if (spec.boot.kind !== 'firmware' || spec.boot.firmware !== 'uefi') return undefined;
  const firmware = await findUefi(firmwareFolders(qemu));
  await copyVariables(firmware, spec.boot.variables);
  return firmware.code;
}
