import { spawn } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { packageRoot } from '../src/system/package.js';
import { checkpointFolder } from '../src/system/paths.js';
import { type Benchmark, type Figure, timed } from './benchmark.js';
import { execute, inTemporaryFolder } from './gva.js';

const rounds = 5;
/** Megabytes that a guest of 256 MiB keeps in memory, and that cannot be compressed. */
const loads = [0, 100];

/** What saving a running guest costs, and going on from there. */
export const checkpoint: Benchmark = {
  name: 'checkpoint',
  title: 'checkpoints of a guest of 256 MiB that computes (QEMU)',
  run: () => inTemporaryFolder(measure),
};

interface Taken {
  readonly pause: number;
  readonly seconds: number;
  /** Bytes. */
  readonly size: number;
}

async function measure(folder: string): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const load of loads) {
    const { taken, resumed } = await measureGuest(join(folder, `guest-${load}`), load);
    const samples = (value: (one: Taken) => number) => taken.map(value);
    const memory = load === 0 ? 'nothing in memory' : `${load} MB of random bytes in memory`;
    const still = { what: `${memory}: the guest stands still`, samples: samples(({ pause }) => pause) };
    figures.push(
      { ...still, unit: 's', ...(load === 0 ? { target: 0.4 } : {}) },
      { what: `${memory}: all of it`, unit: 's', samples: samples(({ seconds }) => seconds) },
      { what: `${memory}: size`, unit: 'MB', samples: samples(({ size }) => size / 1e6) },
      { what: `${memory}: gva resume, from command to guest running`, unit: 's', samples: resumed },
    );
  }
  return figures;
}

async function measureGuest(folder: string, load: number): Promise<{ taken: Taken[]; resumed: number[] }> {
  await mkdir(join(folder, 'app'), { recursive: true });
  const fill = load === 0 ? 'true' : `head -c ${load}000000 /dev/urandom >/dev/shm/load`;
  const run = `${fill}; while :; do :; done`;
  await writeFile(join(folder, 'gva.yaml'), `name: saved\nrun: '${run}'\n`);
  const taken: Taken[] = [];
  const resumed: number[] = [];
  let guest = begin(['run', folder, '--vmm', 'qemu', '--start', 'warm', '--out', join(folder, 'out')]);
  await guest.said('50-autorun started');
  // A place in memory takes its time to be filled under emulation.
  await sleep(load * 200);
  for (let round = 0; round < rounds; round++) taken.push(await save(`saved-${guest.first}`));
  for (let round = 0; round < 3; round++) {
    const name = `saved-${guest.first}`;
    await save(name, '--stop');
    await guest.ended;
    const { first } = guest;
    resumed.push(
      await timed(async () => {
        guest = begin(['resume', name], first);
        await guest.said('goes on from');
      }),
    );
  }
  guest.interrupt();
  await guest.ended;
  // It stays after an interrupt.
  await rm(checkpointFolder(`saved-${guest.first}`), { recursive: true, force: true });
  return { taken, resumed };
}

async function save(name: string, ...more: string[]): Promise<Taken> {
  const { stdout } = await execute(join(packageRoot, 'bin/gva'), ['checkpoint', name, '--json', ...more]);
  return JSON.parse(stdout) as Taken;
}

/** @param first process that the instance was begun by, and has its name from */
function begin(words: readonly string[], first?: number) {
  const child = spawn(process.execPath, [join(packageRoot, 'bin/gva'), ...words], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let text = '';
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  return {
    ...{ first: first ?? child.pid ?? 0, ended },
    said: async (wanted: string) => {
      while (!text.includes(wanted)) {
        if (child.exitCode !== null) throw new Error(`gva has ended: ${text}`);
        await sleep(2);
      }
    },
    interrupt: () => child.kill('SIGINT'),
  };
}
