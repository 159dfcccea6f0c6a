import { arch, platform } from 'node:os';
import type { Base } from '../../base/store.js';
import { umlProgram } from '../../base/uml-host.js';
import type { DoctorAccelerator, VmmFinding } from '../../model/doctor.js';
import { GvaError } from '../../system/errors.js';
import type { Reach } from '../bubblewrap.js';
import { confined } from '../confinement.js';
import type { MachineSpec } from '../driver.js';
import { qemuArguments } from '../qemu/arguments.js';
import { type QemuInstallation, isTooOld, qemuPrograms } from '../qemu/installation.js';
import { kvmDevice, kvmPath } from '../qemu/kvm-device.js';
import { probeKvm } from '../qemu/kvm-probe.js';
import type { VmmCommand } from '../supervisor.js';
import { umlArguments, unusablePath } from '../uml/arguments.js';
import { memoryFolder } from '../uml/driver.js';
import type { Found, UmlInstallation } from './programs.js';
import { type TrialLimits, runTrial } from './trial.js';
import type { TrialFiles } from './trial-files.js';

/** What candidates are judged with. */
export interface Bench {
  readonly qemu: Found<QemuInstallation>;
  readonly uml: Found<UmlInstallation>;
  /** Undefined where there is no base image, or it cannot be used; `untried` then says so. */
  readonly files: TrialFiles | undefined;
  readonly base: Base | undefined;
  readonly untried: string;
  readonly limits: TrialLimits;
  readonly fresh: boolean;
  readonly signal: AbortSignal | undefined;
}

/** Everything a guest could run under on a machine like this one, fastest first. */
export function accelerators(system = platform(), processor: string = arch()): DoctorAccelerator[] {
  const hardware: Partial<Record<string, DoctorAccelerator>> = { linux: 'kvm', darwin: 'hvf' };
  const own = processor === 'x64' ? hardware[system] : undefined;
  return [
    ...(own ? [own] : []),
    ...(system === 'linux' && processor === 'x64' ? (['native'] as const) : []),
    'tcg',
  ];
}

const nothing = { reason: null, hint: null, said: [], bootSeconds: null, speeds: null, relative: null };
const bytesOfMemory = 128 << 20;

/** Whether guests run by this accelerator, and how fast. Takes some seconds. */
export function judge(accelerator: DoctorAccelerator, bench: Bench): Promise<VmmFinding> {
  return accelerator === 'native' ? judgeUml(bench) : judgeQemu(accelerator, bench);
}

async function judgeQemu(accelerator: 'kvm' | 'hvf' | 'tcg', bench: Bench): Promise<VmmFinding> {
  const { found, problem } = bench.qemu;
  const blank = { vmm: 'qemu', accelerator, ...nothing, program: null, version: null } as const;
  if (problem) return { ...blank, verdict: 'refused', ...problem };
  if (!found)
    return {
      ...blank,
      verdict: 'missing',
      reason: `${qemuPrograms.x86_64.name} is not installed`,
      hint: install('qemu-system-x86'),
    };
  const known = { ...blank, program: found.program, version: found.version };
  if (isTooOld(found.version))
    return {
      ...known,
      verdict: 'refused',
      reason: '7.2 or newer is needed',
      hint: 'Name a newer one: --qemu DIR',
    };
  const kvm = accelerator === 'kvm' ? await judgeKvm(found, bench) : undefined;
  if (kvm) return { ...known, ...kvm };
  if (!bench.files) return { ...known, verdict: 'untried', reason: bench.untried };
  const { kernel, initrd, folders } = bench.files;
  const args = qemuArguments(trialMachine(kernel, initrd, folders), {
    ...{ accelerator, sandbox: platform() === 'linux', dataFolders: found.dataFolders },
  });
  const reach: Reach = {
    readable: [kernel, initrd, ...found.dataFolders],
    ...{ writable: [], devices: accelerator === 'kvm' ? [kvmPath] : [] },
  };
  return judgeTrial(known, { program: found.program, args, env: found.env, sockets: 1 }, reach, bench);
}

/** What keeps KVM from being used; undefined where nothing is known to. */
async function judgeKvm(
  { program, dataFolders, env }: QemuInstallation,
  { files, fresh, signal }: Bench,
): Promise<Pick<VmmFinding, 'verdict' | 'reason' | 'hint' | 'said'> | undefined> {
  const device = await kvmDevice();
  if (!device.usable) return { verdict: device.state, reason: device.reason, hint: device.hint, said: [] };
  if (!files) return undefined;
  const host = { dataFolders, env };
  const { verdict, said } = await probeKvm(program, files.kernel, {
    ...{ fresh, host, ...(signal ? { signal } : {}) },
  });
  if (verdict === 'works') return undefined;
  return { verdict, said, ...kvmTrouble[verdict] };
}

const kvmTrouble = {
  hangs: {
    reason: '/dev/kvm opens, but a guest hangs',
    hint: 'Nothing here mends it. A host that is a virtual machine itself needs nested virtualisation that works.',
  },
  refused: {
    reason: '/dev/kvm opens, but QEMU gives up',
    hint: 'It says why, above. Another QEMU (--qemu DIR) may do; where this host is a virtual machine itself, its nested virtualisation is at fault.',
  },
} as const;

async function judgeUml(bench: Bench): Promise<VmmFinding> {
  const { found, problem } = bench.uml;
  const blank = { vmm: 'uml', accelerator: 'native', ...nothing, program: null, version: null } as const;
  if (problem) return { ...blank, verdict: 'refused', ...problem };
  if (!found)
    return {
      ...{ ...blank, verdict: 'missing', reason: `${umlProgram()} is not installed` },
      hint: `${install('user-mode-linux')} (or name a kernel in GVA_UML_KERNEL)`,
    };
  const known = { ...blank, ...found };
  if (!bench.files) return { ...known, verdict: 'untried', reason: bench.untried };
  const { kernel, initrd, folders } = bench.files;
  const path = unusablePath(initrd);
  if (path !== undefined)
    return {
      ...known,
      verdict: 'refused',
      reason: path,
      hint: 'Set GVA_SCRATCH to a folder with a plain name.',
    };
  const finding = await judgeTrial(
    known,
    {
      program: found.program,
      args: [...umlArguments(trialMachine(kernel, initrd, folders)), `initrd=${initrd}`],
      env: { TMPDIR: await memoryFolder(bytesOfMemory, folders.uml) },
    },
    { readable: [initrd, folders.hostfs], writable: [folders.uml], memory: true },
    bench,
  );
  return withModules(finding, bench.base);
}

/** A kernel that works is of no use where the base has no modules for it. */
function withModules(finding: VmmFinding, base: Base | undefined): VmmFinding {
  if (finding.verdict !== 'works' || base?.umlRelease === finding.version) return finding;
  const reason = `it works, but the base has modules for ${base?.umlRelease ?? 'no such kernel'}`;
  return { ...finding, verdict: 'refused', reason, hint: 'gva base build micro --force' };
}

function trialMachine(kernel: string, initrd: string, folders: MachineSpec['folders']): MachineSpec {
  const boot = { kind: 'direct', kernel, initrd } as const;
  return { id: 'doctor', cpus: 1, memory: bytesOfMemory, boot, disks: [], folders };
}

async function judgeTrial(
  known: Omit<VmmFinding, 'verdict'>,
  command: VmmCommand,
  reach: Reach,
  { limits, signal }: Bench,
): Promise<VmmFinding> {
  const inside = await confined(command, reach).catch((error: unknown) => {
    if (error instanceof GvaError) return error;
    throw error;
  });
  if (inside instanceof GvaError)
    return { ...known, verdict: 'refused', reason: inside.message, hint: inside.hint ?? null };
  const outcome = await runTrial(inside, limits, signal);
  if (outcome.kind === 'answered')
    return { ...known, verdict: 'works', bootSeconds: outcome.bootSeconds, speeds: outcome.speeds };
  const { kind, reason, said } = outcome;
  return { ...known, verdict: kind, reason, said, hint: 'Once more, on a quiet machine: gva doctor --fresh' };
}

/** The command that installs a Debian package. */
export const install = (name: string) => `sudo apt-get install --no-install-recommends ${name}`;
