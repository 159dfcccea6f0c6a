import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { packageRoot } from '../src/system/package.js';
import { pointFolder } from '../src/system/paths.js';
import { type Benchmark, type Figure, alternate, timed } from './benchmark.js';
import { withCluster } from './cluster.js';
import { execute, inTemporaryFolder } from './gva.js';
import { peerScript, writePlainImages } from './peers/images.js';
import { mustBe, writeSquare } from './peers/jobs.js';

const rounds = 3;
const points = 24;
const size = { nodes: 1, cpus: 2 };

/** The same points on the same Slurm: by GVA, and by a job array of a script. */
export const peersSlurm: Benchmark = {
  name: 'peers-slurm',
  title: `${points} numbers, their squares in files, by a Slurm of one node with 2 CPUs on this machine`,
  onlyNamed: true,
  run: () => inTemporaryFolder((folder) => withCluster(folder, size, (env) => measure(folder, env))),
};

async function measure(folder: string, env: NodeJS.ProcessEnv): Promise<Figure[]> {
  const { plan } = await writeSquare(folder, points);
  await writePlainImages(folder);
  const out = join(folder, 'out');
  const perPoint = async (result: string, program: string, words: readonly string[]) => {
    await rm(out, { recursive: true, force: true });
    await mkdir(out);
    const seconds = await timed(() => execute(program, words, { env }));
    await mustBe(result, String(points ** 2));
    return seconds / points;
  };
  const byGva = (...how: string[]) => {
    const sweep = [
      'sweep',
      'run',
      plan,
      '--grid',
      'slurm',
      '--no-cache',
      '--json',
      '--out',
      join(out, 'sweep'),
    ];
    const result = join(pointFolder(join(out, 'sweep'), points - 1), 'output/result');
    return () => perPoint(result, join(packageRoot, 'bin/gva'), [...sweep, ...how]);
  };
  const job = `${peerScript('plain-qemu')} ${folder} $SLURM_ARRAY_TASK_ID ${out}/$SLURM_ARRAY_TASK_ID`;
  const array = ['--wait', `--array=1-${points}`, '--output=/dev/null', '--mem=400M', '--wrap', job];
  const samples = await alternate(rounds, {
    uml: byGva('--vmm', 'uml'),
    warm: byGva('--vmm', 'qemu', '--start', 'warm'),
    array: () => perPoint(join(out, String(points)), 'sbatch', array),
  });
  const of = (what: string, taken: readonly number[]) => ({ what, unit: 's' as const, samples: taken });
  return [
    of('gva sweep --grid slurm, User-mode Linux, for each', samples.uml),
    of('gva sweep --grid slurm, QEMU (TCG), warm, for each', samples.warm),
    { ...of('a job array of plain QEMU by a script, for each', samples.array), reference: true },
  ];
}
