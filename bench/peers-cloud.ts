import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Benchmark, type Figure, alternate, ratios } from './benchmark.js';
import { inTemporaryFolder } from './gva.js';
import { peerScript } from './peers/images.js';
import { byCommand, byGva, writeSquare } from './peers/jobs.js';

const rounds = 3;

/** The same job by a Debian with cloud-init. Its image is made before, by bench/peers/cloud-image. */
export const peersCloud: Benchmark = {
  name: 'peers-cloud',
  title: 'a number in, its square out: GVA, and QEMU with a Debian image and cloud-init',
  onlyNamed: true,
  run: () => inTemporaryFolder(measure),
};

async function measure(folder: string): Promise<Figure[]> {
  const what = 'QEMU (TCG) by a script: Debian image, cloud-init, NoCloud ISO';
  const images = process.env['GVA_BENCH_CLOUD_IMAGE'] ?? '';
  if (!existsSync(join(images, 'disk.qcow2')))
    return [
      {
        ...{ what, unit: 's', samples: [], reference: true },
        absent: 'GVA_BENCH_CLOUD_IMAGE names no folder that bench/peers/cloud-image has filled',
      },
    ];
  const { appliance } = await writeSquare(folder, 1);
  const samples = await alternate(rounds, {
    gva: () => byGva(folder, appliance, '--vmm', 'qemu', '--start', 'cold'),
    cloud: () => byCommand(folder, (out) => [peerScript('cloud-qemu'), images, '7', out]),
  });
  return [
    { what: 'gva run, QEMU (TCG), cold', unit: 's', samples: samples.gva },
    { what, unit: 's', samples: samples.cloud, reference: true },
    { what: 'the one against the other', unit: 'x', samples: ratios(samples.gva, samples.cloud) },
  ];
}
