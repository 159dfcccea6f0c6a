import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, gva, gvaProgram, readResult, temporaryFolder, writeAppliance } from '../support/gva.js';

// What a guest tells by itself, and what is seen of it while it runs (docs/channels.md), with real guests.

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let env: Record<string, string>;
beforeAll(async () => {
  folder = await temporaryFolder();
  env = { XDG_CACHE_HOME: join(folder.path, 'cache'), NO_COLOR: '1' };
});
afterAll(() => folder[Symbol.asyncDispose]());

/** Adds a line to one file, then to the other, until it is asked to stop. */
const job = `
gva-progress 0.4 "phase 2: $(printf 'a\\033[31mb')"
gva-message 'look at this: 50%'
ln -s /etc/passwd escapes
n=0
until [ -e /run/gva/stop ]; do n=$((n + 1)); echo $n >>first; echo $n >>second; done
echo early >how`;

interface Instance {
  id: string;
  progress?: { fraction?: number; text?: string };
}

describe.each(['uml', 'qemu'])('a guest under %s', (vmm) => {
  it('tells how far it is, is looked at while it writes, and stops early when it is asked to', async () => {
    const home = join(folder.path, vmm);
    const appliance = await writeAppliance(home, { job });
    const out = join(home, 'out');
    const words = ['run', appliance, '--channel', '--vmm', vmm, '--start', 'cold', '--out', out];
    const child: ChildProcess = spawn(process.execPath, [gvaProgram, ...words], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const ended = once(child, 'exit');
    let instance: Instance | undefined;
    await eventually(async () => {
      [instance] = JSON.parse((await gva(['ps', '--json'], env)).stdout) as Instance[];
      return instance?.progress?.fraction !== undefined || child.exitCode !== null;
    });
    const name = instance?.id ?? '';
    expect(instance?.progress).toEqual({ fraction: 0.4, text: 'phase 2: a\u001b[31mb' });
    expect((await gva(['ps'], env)).stdout).toContain('40% phase 2: ab');

    const lines = async (dir: string, file: string) =>
      (await readFile(join(dir, 'output', file), 'utf8')).trim().split('\n').length;
    let before = 0;
    for (const dir of ['one', 'two'].map((each) => join(home, each))) {
      expect(await gva(['snapshot-output', name, dir], env)).toMatchObject({ code: 0 });
      const [first, second] = [await lines(dir, 'first'), await lines(dir, 'second')];
      expect([0, 1]).toContain(first - second);
      expect(first).toBeGreaterThan(before);
      before = first;
      expect(JSON.parse(await readFile(join(dir, 'snapshot.json'), 'utf8'))).toMatchObject({
        findings: expect.arrayContaining([
          expect.objectContaining({ code: 'SYMLINK_ESCAPE', path: 'escapes' }),
        ]) as unknown,
      });
    }
    expect(await gva(['snapshot-output', name, join(home, 'two')], env)).toMatchObject({ code: 69 });

    expect(await gva(['stop-early', name], env)).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(await ended).toEqual([0, null]);
    expect(await readFile(join(out, 'output/how'), 'utf8')).toBe('early\n');
    expect(said).toContain('progress 40% phase 2: ab');
    expect(said).not.toContain('\u001b');
    expect(said).toContain('message: look at this: 50%');
  });
});

it('what a point tells is seen in the status of its sweep', async () => {
  const appliance = await writeAppliance(join(folder.path, 'point'), {
    yaml: 'parameters: { n: { type: int } }\n',
    job: 'gva-progress .25 "step $1"; sleep 6',
  });
  const plan = join(folder.path, 'plan.yaml');
  await writeFile(plan, `appliance: ${appliance}\nparameters: { n: [7] }\n`);
  const out = join(folder.path, 'sweep');
  const sweep = gva(['sweep', 'run', plan, '--vmm', 'uml', '--out', out], env);
  interface Status {
    running: { fraction?: number; text?: string }[];
  }
  let running: Status['running'] = [];
  await eventually(async () => {
    const status = await gva(['sweep', 'status', out, '--json'], env);
    if (status.code === 0) ({ running } = JSON.parse(status.stdout) as Status);
    return running[0]?.fraction !== undefined;
  });
  expect(running).toEqual([expect.objectContaining({ fraction: 0.25, text: 'step 7' })]);
  expect((await gva(['sweep', 'status', out], env)).stdout).toContain('running 25% (step 7)');
  expect(await sweep).toMatchObject({ code: 0 });
});

// GVA_LONG: no limit is less than 25 seconds.
it.runIf(process.env['GVA_LONG'])('a guest whose heart has stopped is given up', async () => {
  const appliance = await writeAppliance(join(folder.path, 'hangs'), {
    yaml: 'heartbeat-limit: 25s\n',
    job: 'kill $(pidof gvad-wake); sleep 1000',
  });
  const out = join(folder.path, 'hung');
  expect(await gva(['run', appliance, '--vmm', 'uml', '--out', out], env)).toMatchObject({ code: 69 });
  expect(await readResult(out)).toMatchObject({ state: 'lost', cause: 'silent' });
});
