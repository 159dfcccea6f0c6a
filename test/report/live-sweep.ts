import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packageRoot } from '../../src/system/package.js';
import { eventually, gvaProgram } from '../support/gva.js';

/** Points of the sweep: 24 values of x, each in four modes. */
export const points = 96;
export const jobs = 4;
/** The one that fails the first time. */
export const failing = 11;

const manifest = `name: wave
run: ./job.sh
parameters:
  x: { type: int }
  mode: { type: string }
output: { size: 1M }
`;

const plan = `appliance: ./wave
parameters:
  x: { range: [1, 24] }
  mode: [still, calm, rough, wild]
`;

/** Plays the guest: it goes on when the number in the file `gate` is greater than that of its point. */
const guest = (folder: string) => `
index=\${GVA_FAKE_ID##*-}
say() { echo "@gva1 $*" >&4; }
say boot t=0.01 contract=1
echo "[    0.000000] Linux version 6.1.0 (micro)"
say ready t=0.01
say script-start t=0.01 name=50-autorun
echo "wave $index: <img src=x onerror=alert(1)> tide 3.14"
say progress t=0.02 fraction=0.$((3 + index % 4))
while [ "$(cat ${folder}/gate)" -le "$index" ]; do sleep 0.05; done
if [ $index = ${failing} ] && [ ! -e ${folder}/calm ]; then
  echo "the wave has broken"
  say script-end t=0.02 name=50-autorun status=3 free=60000
  say done t=0.02 scripts=1 failed=1
  exit
fi
results=$(mktemp -d ${folder}/results-XXXXXX)
awk -v i="$index" 'BEGIN { m = i % 4; x = 1 + (i - m) / 4
  print "{\\"height\\": " sin(x / 4) * (1 + m / 3) ", \\"energy\\": " x * x * (m + 1) "}" }' >$results/result.json
mke2fs -q -F -t ext4 -d $results "$GVA_FAKE_OUTPUT"
rm -r $results
echo "wave $index is over"
say script-end t=0.02 name=50-autorun status=0 free=60000
say done t=0.02 scripts=1 failed=0
`;

/** A sweep in a process of its own, whose guests a test lets go on; and `gva serve`. */
export class LiveSweep implements AsyncDisposable {
  readonly #folder: string;
  readonly #processes: ChildProcess[] = [];

  /** @param folder of the test */
  constructor(folder: string) {
    this.#folder = folder;
  }

  get out(): string {
    return join(this.#folder, 'waves');
  }

  /** Starts the sweep; it is there when its first points run. */
  async start(): Promise<void> {
    await mkdir(join(this.#folder, 'wave/app'), { recursive: true });
    await mkdir(join(this.#folder, 'scratch'));
    await writeFile(join(this.#folder, 'wave/gva.yaml'), manifest);
    await writeFile(join(this.#folder, 'wave/app/job.sh'), '#!/bin/sh\n', { mode: 0o755 });
    await writeFile(join(this.#folder, 'plan.yaml'), plan);
    await writeFile(join(this.#folder, 'guest.sh'), guest(this.#folder));
    await this.letEnd(0);
    const program = join(packageRoot, 'test/support/fake-live-sweep.mjs');
    const words = [join(this.#folder, 'plan.yaml'), this.out, join(this.#folder, 'guest.sh'), String(jobs)];
    const sweep = this.#spawn(program, words);
    const ended = once(sweep, 'exit').then(([code]) => {
      throw new Error(`the sweep has ended with status ${code}`);
    });
    const { readStatus } = await import('../../src/sweep/observe/status.js');
    const running = eventually(async () => {
      const seen = await readStatus(this.out).catch(() => undefined);
      return seen?.status.running.filter(({ phase }) => phase === 'running').length === jobs;
    });
    await Promise.race([running, ended]);
    ended.catch(() => undefined);
  }

  /** Starts the page. @returns its address with the token, and its process */
  async serve(
    ...words: readonly string[]
  ): Promise<{ readonly url: string; readonly process: ChildProcess }> {
    const process = this.#spawn(gvaProgram, ['serve', '--json', ...words]);
    let text = '';
    process.stdout?.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    await eventually(() => {
      if (process.exitCode !== null) throw new Error(`gva serve has ended with status ${process.exitCode}`);
      return text.includes('}');
    });
    return { url: (JSON.parse(text) as { url: string }).url, process };
  }

  /** Points before this one come to their end. */
  async letEnd(before: number): Promise<void> {
    await writeFile(join(this.#folder, 'gate.new'), String(before));
    await rename(join(this.#folder, 'gate.new'), join(this.#folder, 'gate'));
  }

  /** Nothing fails from now on. */
  calm(): Promise<void> {
    return writeFile(join(this.#folder, 'calm'), '');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const process of this.#processes) {
      if (process.exitCode !== null || process.signalCode !== null) continue;
      process.kill('SIGKILL');
      await once(process, 'exit');
    }
  }

  #spawn(program: string, words: readonly string[]): ChildProcess {
    const folders = { XDG_DATA_HOME: 'data', XDG_CACHE_HOME: 'cache', GVA_SCRATCH: 'scratch' };
    const env = Object.entries(folders).map(([name, folder]) => [name, join(this.#folder, folder)]);
    const child = spawn(process.execPath, [program, ...words], {
      cwd: this.#folder,
      env: { ...process.env, ...(Object.fromEntries(env) as Record<string, string>) },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#processes.push(child);
    return child;
  }
}
