import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SweepManifest } from '../src/model/sweep.js';
import { pointFolder, resultFiles, sweepFiles } from '../src/system/paths.js';
import { percolate } from './percolation.js';

/** What a made sweep has. */
export interface MadeSweep {
  readonly points: number;
  /** Instances at once. */
  readonly parallel: number;
  /** Of the first so many points there are folders with results: failures and pictures. */
  readonly folders?: number;
  /** Sites of a picture in each direction; 0 for no pictures. */
  readonly picture?: number;
}

const begun = Date.UTC(2026, 0, 2, 3, 4, 5);
const sizes = [16, 32, 64, 128];

/** Even numbers between 0 and 1, the same each time (mulberry32). */
function random(seed: number): number {
  let value = (seed + 0x6d2b79f5) | 0;
  value = Math.imul(value ^ (value >>> 15), value | 1);
  value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
  return ((value ^ (value >>> 14)) >>> 0) / 4294967296;
}

const digest = (letter: string) => letter.repeat(16);
const round = (value: number) => Math.round(value * 1000) / 1000;

export const madeManifest = (points: number): SweepManifest => ({
  ...{ format: 'gva-sweep/1', gva: '0.1.0' },
  appliance: { name: 'percolation', version: '1.2.0', digest: digest('3fa9') },
  base: { name: 'micro', digest: digest('c07e') },
  vmm: { name: 'qemu', version: '7.2.11', accelerator: 'kvm' },
  plan: {
    file: '/home/ada/percolation/plan.yaml',
    text: 'appliance: .\nparameters:\n  size: [16, 32, 64, 128]\n  p: { range: [0.40, 0.80, 0.01] }\n  seed: { range: [1, 8] }\n',
  },
  ...{ files: [], parameters: ['size', 'p', 'seed'], count: points },
  startedAt: new Date(begun).toISOString(),
});

interface MadePoint {
  readonly row: Readonly<Record<string, string | number | boolean | null>>;
  readonly state: 'done' | 'failed' | 'lost';
  readonly message?: string;
}

/** Site percolation on squares, as it might be computed: it finds its threshold, 0.593. */
function madePoint(index: number, points: number, start: number): MadePoint {
  const noise = (salt: number) => random(index * 16 + salt);
  const size = sizes[index % sizes.length] ?? 16;
  const steps = Math.max(2, Math.min(41, Math.ceil(points / sizes.length / 3)));
  const p = round(0.4 + (0.4 * (Math.floor(index / sizes.length) % steps)) / (steps - 1));
  const seed = 1 + Math.floor(index / sizes.length / steps);
  const sharp = 1 / (1 + Math.exp((-(p - 0.593) * size ** 0.75) / 0.55));
  const fails = size === 128 && noise(1) < 0.05 ? 'memory' : noise(1) > 0.995 ? 'timeout' : '';
  const stage = round(0.008 + 0.006 * noise(2));
  const boot = round(0.45 + 0.2 * noise(3) ** 3);
  const script = round((0.4 + (size / 40) ** 2) * (0.8 + 0.5 * noise(4)));
  const other = round(stage + 0.02 + 0.02 * noise(5));
  const state = fails === 'memory' ? 'failed' : fails === 'timeout' ? 'lost' : 'done';
  const long = fails === 'timeout' ? 30 : script;
  return {
    state,
    ...(state === 'failed' ? { message: 'the script 50-autorun ended with status 3' } : {}),
    ...(state === 'lost' ? { message: 'the time limit of 30 s was reached' } : {}),
    row: {
      ...{ gva_point: index, size, p, seed, gva_state: state },
      gva_cause: fails === 'memory' ? 'script-status' : fails === 'timeout' ? 'timeout' : null,
      gva_status: fails === 'memory' ? 3 : fails === 'timeout' ? null : 0,
      gva_started: new Date(begun + Math.round(start * 1000)).toISOString(),
      ...{ gva_stage_s: stage, gva_boot_s: boot, gva_script_s: fails === 'timeout' ? null : script },
      gva_shutdown_s: fails === 'timeout' ? null : round(0.02 + 0.01 * noise(6)),
      gva_other_s: fails === 'timeout' ? null : other,
      gva_total_s: round(other + boot + long + 0.025),
      ...{ gva_attempts: noise(7) > 0.98 ? 2 : 1, gva_folder: pointFolder('', index) },
      ...(state === 'done'
        ? {
            largest: round(p * (0.04 + 0.95 * sharp) * (0.97 + 0.06 * noise(8))),
            clusters: Math.round(size * size * 0.13 * (1 - sharp * 0.8) * (0.9 + 0.2 * noise(9))),
            spans: noise(10) < sharp,
          }
        : {}),
    },
  };
}

/** Writes the folder of a sweep as if it had been run, always the same one. */
export async function makeSweep(
  folder: string,
  { points, parallel, folders = 0, picture = 0 }: MadeSweep,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, sweepFiles.sweep), JSON.stringify(madeManifest(points)));
  const free = new Array<number>(parallel).fill(0);
  const lines: string[] = [];
  for (let index = 0; index < points; index++) {
    const lane = free.indexOf(Math.min(...free));
    const start = (free[lane] ?? 0) + 0.01 * random(index);
    const point = madePoint(index, points, start);
    free[lane] = start + Number(point.row['gva_total_s']);
    lines.push(JSON.stringify(point.row));
    if (index < folders) await makeResult(folder, index, point, picture);
  }
  await writeFile(join(folder, sweepFiles.lines), `${lines.join('\n')}\n`);
}

async function makeResult(sweep: string, index: number, { row, state, message }: MadePoint, picture: number) {
  const folder = pointFolder(sweep, index);
  await mkdir(join(folder, resultFiles.output, '.gva'), { recursive: true });
  const result = {
    ...{ format: 'gva-result/1', state, message, host: 'node07', startedAt: row['gva_started'] },
    scripts: [{ name: '50-autorun', status: row['gva_status'], seconds: row['gva_script_s'] }],
  };
  await writeFile(join(folder, resultFiles.result), JSON.stringify(result, null, 2));
  await writeFile(join(folder, resultFiles.console), consoleOf(state));
  if (state === 'failed')
    await writeFile(
      join(folder, resultFiles.output, '.gva/50-autorun.stderr'),
      'percolation: 16384 sites, 128 by 128\npercolation: cannot allocate 268435456 bytes for labels\n',
    );
  if (picture > 0 && state === 'done')
    await writeFile(
      join(folder, resultFiles.output, 'sites.ppm'),
      percolate(picture, Number(row['p']), (site) => random(index * 65_537 + site)),
    );
}

const consoleOf = (state: string) =>
  '[    0.412] EXT4-fs (vdc): mounted filesystem without journal\r\n' +
  '@gva1 ready t=0.44\r\n@gva1 script-start t=0.45 name=50-autorun\r\n' +
  (state === 'failed'
    ? '[    2.101] Out of memory: Killed process 61 (percolation) total-vm:271828kB\r\n@gva1 script-end t=2.11 name=50-autorun status=3\r\n'
    : '');
