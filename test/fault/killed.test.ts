import { spawn } from 'node:child_process';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { SweepSummary } from '../../src/model/sweep.js';
import { packageRoot } from '../../src/system/package.js';
import { pointFolder } from '../../src/system/paths.js';
import { type TestHome, makeTestHome, squareManifest, writeAppliance } from '../support/fake-appliance.js';
import { noneLeft } from '../support/gva.js';

// The process that runs a sweep is killed at random moments, and started again each time. GVA_LONG: as often as the
// project promises.
const [points, kills] = process.env['GVA_LONG'] ? [500, 100] : [60, 8];

let home: TestHome;
let out: string;
beforeEach(async () => {
  home = await makeTestHome();
  out = join(home.folder, 'out');
  await writeAppliance(home.folder, squareManifest);
});
afterEach(() => home[Symbol.asyncDispose]());

/** Runs the sweep; killed after so many milliseconds, if it lives that long. */
async function run(killAfter?: number): Promise<SweepSummary | undefined> {
  const program = join(packageRoot, 'test/support/fake-sweep.mjs');
  const child = spawn(process.execPath, [program, join(home.folder, 'plan.yaml'), out], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const said = child.stdout.setEncoding('utf8').toArray() as Promise<string[]>;
  const ended = new Promise((resolve) => child.on('exit', resolve));
  if (killAfter !== undefined) {
    await Promise.race([ended, sleep(killAfter)]);
    child.kill('SIGKILL');
  }
  await ended;
  const text = (await said).join('');
  return text === '' ? undefined : (JSON.parse(text) as SweepSummary);
}

test.each([
  ['files', 'output'],
  ['archive', 'output.tar'],
  ['image', 'output.img'],
])(
  `a sweep of ${points} points with outputs as %s, killed ${kills} times, has every point once`,
  { timeout: 900_000 },
  async (keep, output) => {
    const plan = `appliance: ./square\nparameters: { n: { range: [1, ${points}] } }\nkeep: ${keep}\n`;
    await writeFile(join(home.folder, 'plan.yaml'), plan);
    let survived = 0;
    for (let kill = 0; kill < kills; kill++) if (await run(150 + Math.random() * 600)) survived++;
    const summary = await run();
    expect(summary?.counts).toEqual({ pending: 0, done: points, failed: 0, lost: 0 });
    expect(survived).toBeLessThan(kills);
    const rows = (await readFile(join(out, 'results.csv'), 'utf8')).trimEnd().split('\r\n').slice(1);
    expect(rows.map((row) => row.split(',').slice(0, 4).join(','))).toEqual(
      Array.from({ length: points }, (_, index) => `${index},${index + 1},fast,done`),
    );
    for (let index = 0; index < points; index++) {
      const result = JSON.parse(
        await readFile(join(pointFolder(out, index), 'result.json'), 'utf8'),
      ) as object;
      expect(result).toMatchObject({ state: 'done', parameters: { n: index + 1, mode: 'fast' } });
      const names = ['console.log', 'events.jsonl', output, 'result.json'];
      expect((await readdir(pointFolder(out, index))).sort()).toEqual(names);
    }
    // Nothing is left over: no half folder, no disk of an instance, no process.
    const folders = await readdir(join(out, 'points/0000'));
    expect(folders.sort()).toEqual(
      Array.from({ length: points }, (_, index) => String(index).padStart(7, '0')),
    );
    // An empty folder may stay for a minute: it might be somebody's who has not yet said whose it is.
    for (const name of await readdir(home.scratch))
      for (const file of await readdir(join(home.scratch, name)))
        expect([file, await readFile(join(home.scratch, name, file), 'utf8')]).toEqual(['owner.json', '']);
    await noneLeft(home.folder);
  },
);
