import { spawn } from 'node:child_process';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { pointFolder } from '../../src/system/paths.js';
import { gva, gvaProgram, noneLeft, temporaryFolder, writeAppliance } from '../support/gva.js';

// gva is killed at random moments while it runs a sweep of real guests, and started again each time. GVA_LONG: as
// often as the project promises.
const [points, kills, timeout] = process.env['GVA_LONG'] ? [40, 10, 3_600_000] : [8, 2, 300_000];

test(`a sweep of ${points} guests, killed ${kills} times, has every point once`, { timeout }, async () => {
  await using folder = await temporaryFolder();
  const env = { GVA_SCRATCH: folder.path, XDG_RUNTIME_DIR: folder.path };
  const yaml = 'parameters: { n: { type: int } }\noutput: { size: 1M }\n';
  await writeAppliance(join(folder.path, 'a'), { yaml, job: 'echo "square=$(($1 * $1))" >result.txt' });
  await writeFile(
    join(folder.path, 'plan.yaml'),
    `appliance: a\nparameters: { n: { range: [1, ${points}] } }\n`,
  );
  const args = ['sweep', 'run', 'plan.yaml', '--out', 'out', '-j', '2', '--vmm', 'uml', '--no-cache'];
  for (let kill = 0; kill < kills; kill++) {
    const child = spawn(process.execPath, [gvaProgram, ...args], {
      cwd: folder.path,
      env: { ...process.env, ...env },
      stdio: 'ignore',
    });
    const ended = new Promise((resolve) => child.on('exit', resolve));
    await Promise.race([ended, randomMoment(join(folder.path, 'out'))]);
    child.kill('SIGKILL');
    await ended;
  }
  const { code, stderr } = await gva(args, env, folder.path);
  expect(code, stderr).toBe(0);
  const rows = (await readFile(join(folder.path, 'out/results.csv'), 'utf8')).trimEnd().split('\r\n');
  expect(rows[0]).toMatch(/,gva_folder,square$/);
  for (let n = 1; n <= points; n++) {
    expect(rows[n]).toMatch(new RegExp(`^${n - 1},${n},done,.*,${n * n}$`));
    const output = join(pointFolder(join(folder.path, 'out'), n - 1), 'output/result.txt');
    expect(await readFile(output, 'utf8')).toBe(`square=${n * n}\n`);
  }
  const left = (await readdir(folder.path)).filter((name) => name.startsWith('gva-'));
  for (const name of left) expect(await readdir(join(folder.path, name))).toEqual([]);
  await noneLeft(folder.path);
});

/** Some moment until a few more points are done, however long one takes here. */
async function randomMoment(out: string): Promise<void> {
  const goal = Math.min(points, (await published(out)) + Math.floor(Math.random() * 4));
  await sleep(300 + Math.random() * 1200);
  while ((await published(out)) < goal) await sleep(20 + Math.random() * 200);
}

/** Results that are there: their folders come whole. */
async function published(out: string): Promise<number> {
  const shard = dirname(pointFolder(out, 0));
  return (await readdir(shard).catch(() => [])).filter((name) => /^\d+$/.test(name)).length;
}
