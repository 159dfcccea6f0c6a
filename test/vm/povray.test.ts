import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import { expect, it } from 'vitest';
import { packageRoot } from '../../src/system/package.js';
import { buildLimit } from '../support/debian-base.js';
import { temporaryFolder } from '../support/gva.js';

// GVA_LONG: the base and its package take minutes.
it.runIf(process.env['GVA_LONG'])(
  'the example with POV-Ray renders frames, and one more guest puts them on one picture',
  { timeout: buildLimit },
  async () => {
    await using folder = await temporaryFolder();
    const example = join(packageRoot, 'examples/povray');
    const plan = join(folder.path, 'plan.yaml');
    await writeFile(
      plan,
      `appliance: ${example}\nparameters: { frame: [0, 4, 8], frames: 12, width: 80 }\ngather: { appliance: ${example}/sheet }\n`,
    );
    const results = join(folder.path, 'results');
    const said = await demo(join(example, 'demo.sh'), { POVRAY_PLAN: plan, POVRAY_RESULTS: results });
    expect(said).toContain('3 points: 3 done');
    const frames = await Promise.all(
      ['0000000', '0000001', '0000002'].map((point) =>
        readFile(join(results, 'points/0000', point, 'output/frame.png')),
      ),
    );
    for (const frame of frames) expect(PNG.sync.read(frame)).toMatchObject({ width: 80, height: 60 });
    expect(new Set(frames.map((frame) => PNG.sync.read(frame).data.toString('base64'))).size).toBe(3);
    const sheet = PNG.sync.read(await readFile(join(results, 'gather/output/sheet.png')));
    expect(sheet).toMatchObject({ width: 800, height: 150 });
    // Three frames, and nothing where the fourth would be.
    const isBlack = (x: number) =>
      [0, 1, 2].every((channel) => sheet.data[(75 * 800 + x) * 4 + channel] === 0);
    expect([100, 300, 500, 700].map(isBlack)).toEqual([false, false, false, true]);
  },
);

function demo(script: string, env: Record<string, string>): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { env: { ...process.env, ...env }, timeout: buildLimit - 30_000 };
    execFile('sh', [script, '--vmm', 'uml'], options, (error, stdout, stderr) => {
      if (error) reject(new Error(`${stdout}${stderr}`, { cause: error }));
      else resolve(`${stdout}${stderr}`);
    });
  });
}
