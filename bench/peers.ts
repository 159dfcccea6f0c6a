import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pointFolder } from '../src/system/paths.js';
import { findProgram } from '../src/system/process.js';
import { type Benchmark, type Figure, alternate, timed } from './benchmark.js';
import { execute, gva, inTemporaryFolder } from './gva.js';
import { peerScript, writePlainImages } from './peers/images.js';
import { byCommand, byGva, mustBe, writeSquare } from './peers/jobs.js';

const rounds = 5;
const points = 12;

/** One parameter in, one file out: by GVA, and by what people use instead, in turn. */
export const peers: Benchmark = {
  name: 'peers',
  title: `a number in, its square in a file out; and ${points} of them`,
  run: () =>
    inTemporaryFolder(async (folder) => [
      ...(await single(folder)),
      ...(await many(folder)),
      await guestfish(folder),
      ...absent,
    ]),
};

async function single(folder: string): Promise<Figure[]> {
  const { appliance } = await writeSquare(folder, points);
  await writePlainImages(folder);
  const square = (out: string) => `n=7; echo $((n * n)) >${out}`;
  const fence = [
    '--unshare-all',
    '--die-with-parent',
    '--ro-bind',
    '/',
    '/',
    '--proc',
    '/proc',
    '--dev',
    '/dev',
  ];
  const samples = await alternate(rounds, {
    uml: () => byGva(folder, appliance, '--vmm', 'uml'),
    cold: () => byGva(folder, appliance, '--vmm', 'qemu', '--start', 'cold'),
    warm: () => byGva(folder, appliance, '--vmm', 'qemu', '--start', 'warm'),
    plain: () => byCommand(folder, (out) => [peerScript('plain-qemu'), folder, '7', out]),
    container: () =>
      byCommand(folder, (out) => ['bwrap', ...fence, '--bind', folder, folder, 'sh', '-c', square(out)]),
    process: () => byCommand(folder, (out) => ['sh', '-c', square(out)]),
  });
  return [
    { what: 'gva run, User-mode Linux', unit: 's', samples: samples.uml },
    { what: 'gva run, QEMU (TCG), cold', unit: 's', samples: samples.cold },
    { what: 'gva run, QEMU (TCG), warm', unit: 's', samples: samples.warm },
    other('plain QEMU by a script: kernel, initrd, output disk', samples.plain),
    other('a container (bubblewrap: all namespaces)', samples.container),
    other('a process', samples.process),
  ];
}

const other = (what: string, samples: readonly number[], more: Partial<Figure> = {}): Figure => ({
  ...{ what, unit: 's', samples, reference: true, ...more },
});

async function many(folder: string): Promise<Figure[]> {
  const { plan } = await writeSquare(folder, points);
  const out = join(folder, 'sweep');
  const sweep =
    (...how: string[]) =>
    async () => {
      await rm(out, { recursive: true, force: true });
      const words = ['--no-cache', '-j', '2', '--out', out, '--json', ...how];
      const seconds = await timed(() => gva('sweep', 'run', plan, ...words));
      await mustBe(join(pointFolder(out, points - 1), 'output/result'), String(points ** 2));
      return seconds / points;
    };
  const parallel = async () => {
    await rm(out, { recursive: true, force: true });
    await mkdir(out);
    const numbers = Array.from({ length: points }, (_, n) => String(n + 1));
    const words = ['-j', '2', peerScript('plain-qemu'), folder, '{}', join(out, '{}'), ':::', ...numbers];
    const seconds = await timed(() => execute('parallel', words));
    await mustBe(join(out, String(points)), String(points ** 2));
    return seconds / points;
  };
  const isThere = (await findProgram('parallel')) !== undefined;
  const works: Record<string, () => Promise<number>> = {
    uml: sweep('--vmm', 'uml'),
    warm: sweep('--vmm', 'qemu', '--start', 'warm'),
    ...(isThere ? { parallel } : {}),
  };
  const samples = await alternate(3, works);
  const { uml = [], warm = [] } = samples;
  const what = 'GNU parallel with plain QEMU, 2 at once, for each';
  return [
    { what: 'gva sweep, User-mode Linux, 2 at once, for each', unit: 's', samples: uml },
    { what: 'gva sweep, QEMU (TCG), warm, 2 at once, for each', unit: 's', samples: warm },
    samples['parallel']
      ? other(what, samples['parallel'])
      : other(what, [], { absent: 'it is not installed' }),
  ];
}

/** A machine that does one thing, in turn with GVA's. */
async function guestfish(folder: string): Promise<Figure> {
  const what = 'guestfish: run, a file written and brought out';
  if ((await findProgram('guestfish')) === undefined)
    return other(what, [], { absent: 'it is not installed: its Debian package brings 177 others' });
  const { appliance } = await writeSquare(folder, points);
  const samples = await alternate(rounds, {
    gva: () => byGva(folder, appliance, '--vmm', 'qemu', '--start', 'cold'),
    guestfish: () => byCommand(folder, (out) => [peerScript('guestfish-square'), folder, '7', out]),
  });
  return other(what, samples.guestfish);
}

/** Published by their authors; all under KVM, which does not work here. */
const absent: Figure[] = [
  other('virtme-ng: a command in a guest', [], {
    absent: 'Debian 12 has no package of it; published: 0.9 s, with KVM',
  }),
  other('vmtest: a command in a guest', [], {
    absent: 'no package registry that is used here has it; published: 1.3 s, with KVM',
  }),
  other('podman run', [], { absent: 'it is not installed; bubblewrap uses the same parts of the kernel' }),
];
