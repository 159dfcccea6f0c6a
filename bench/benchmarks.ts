import type { Benchmark } from './benchmark.js';
import { baseDebian } from './base-debian.js';
import { baseFind } from './base-find.js';
import { baseSize } from './base-size.js';
import { channels } from './channels.js';
import { checkpoint } from './checkpoint.js';
import { coldStart } from './cold-start.js';
import { computation } from './computation.js';
import { coordinatorMillion } from './coordinator-million.js';
import { coordinator } from './coordinator.js';
import { gridSubmit } from './grid-submit.js';
import { grid } from './grid.js';
import { growth } from './growth.js';
import { media } from './media.js';
import { ova } from './ova.js';
import { original } from './original.js';
import { packages } from './packages.js';
import { peersCloud } from './peers-cloud.js';
import { peersSlurm } from './peers-slurm.js';
import { peers } from './peers.js';
import { pool } from './pool.js';
import { report } from './report.js';
import { scaling } from './scaling.js';
import { throughput } from './throughput.js';
import { vmdk } from './vmdk.js';
import { warmStart } from './warm-start.js';

/** In the order in which they run. */
export const benchmarks: readonly Benchmark[] = [
  ...[coldStart, warmStart, pool, channels, checkpoint, throughput, coordinator, coordinatorMillion],
  ...[
    gridSubmit,
    computation,
    baseSize,
    baseFind,
    baseDebian,
    media,
    vmdk,
    ova,
    packages,
    grid,
    report,
    scaling,
  ],
  ...[original, peers, peersCloud, peersSlurm, growth],
];
