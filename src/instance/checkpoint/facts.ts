import { ExitCode, GvaError } from '../../system/errors.js';
import type { Disk, MachineSpec, VmmDriver } from '../../vmm/driver.js';

type Shape = Pick<MachineSpec, 'cpus' | 'memory'> & {
  readonly disks: readonly Pick<Disk, 'id' | 'size' | 'access'>[];
};

/** What of host and VMM a machine of this shape depends on when it is saved. The names of its files are not of it. */
export async function factsOf(
  driver: VmmDriver,
  { cpus, memory, disks }: Shape,
): Promise<Readonly<Record<string, string>>> {
  const spec: MachineSpec = {
    ...{ id: 'checkpoint', cpus, memory, folders: { uml: '/', hostfs: '/' } },
    boot: { kind: 'direct', kernel: '/kernel', initrd: '/initrd' },
    disks: disks.map(({ id, size, access }) => ({
      ...{ id, size, access, image: `/${id}` },
      ...(access === 'overlay' ? { overlay: `/${id}.overlay` } : {}),
    })),
    ...{ saveSocket: '/socket', generationId: true },
  };
  return (await driver.templates?.facts(spec)) ?? {};
}

const names: Readonly<Record<string, string>> = {
  qemu: 'the version of QEMU',
  program: 'the QEMU program (its digest)',
  dataFolders: "the folders of QEMU's firmware",
  accelerator: 'the accelerator',
  processor: 'the model of the processor',
  tscKHz: 'the speed of the time stamp counter (kHz)',
  flags: "the processor's features",
  microcode: "the processor's microcode",
  kernel: "the host's kernel",
  arguments: "the machine's hardware",
};

/** Every difference, one sentence each, without their full stops. */
export function differences(
  saved: Readonly<Record<string, string>>,
  here: Readonly<Record<string, string>>,
): string[] {
  return [...new Set([...Object.keys(saved), ...Object.keys(here)])]
    .filter((name) => saved[name] !== here[name])
    .map((name) => {
      const what = names[name] ?? name;
      const [there, now] = [saved[name] ?? '', here[name] ?? ''];
      if (there.length > 80 || now.length > 80) return `${what} differs`;
      return `${what} is ${now || 'not known'} here, and was ${there || 'not known'}`;
    });
}

/** A checkpoint that must not be gone on from here. */
export const refused = (why: string, hint?: string, cause?: unknown) =>
  new GvaError('CHECKPOINT_REFUSED', `the checkpoint is refused: ${why}`, {
    exitCode: ExitCode.infrastructure,
    ...(hint === undefined ? {} : { hint }),
    ...(cause === undefined ? {} : { cause }),
  });
