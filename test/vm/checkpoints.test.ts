import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { InstanceResult } from '../../src/model/result.js';
import { checkpointFolder } from '../../src/system/paths.js';
import {
  eventually,
  gva,
  gvaProgram,
  noneLeft,
  outputBytes,
  readResult,
  temporaryFolder,
  writeAppliance,
} from '../support/gva.js';

// Real guests that are killed and go on. To see one of these alone: npx vitest run --project vm
// test/vm/checkpoints.test.ts -t 'NAME'

/** Counts to a checksum over some seconds, and leaves a trace of each step: on the output disk, and in memory. */
const job = `i=0 sum=\${1:-1}
while [ $i -lt 200000 ]; do
  i=$((i+1)) sum=$(( (sum * 31 + i) % 1000003 ))
  case $i in *000) echo "$i $sum" >>steps; echo "$i" >/app/last; echo $i >/dev/shm/last 2>/dev/null ;; esac
done
cat /app/last steps | md5sum >trace
echo $sum >sum`;

const yaml = 'parameters:\n  seed: { type: int, default: 1 }\n';

/** What a host would count. */
function expectedSum(seed: number): string {
  let sum = seed;
  for (let i = 1; i <= 200_000; i++) sum = (sum * 31 + i) % 1_000_003;
  return `${sum}\n`;
}

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let env: Record<string, string>;
beforeAll(async () => {
  folder = await temporaryFolder();
  env = { XDG_CACHE_HOME: join(folder.path, 'cache'), GVA_SCRATCH: join(folder.path, 'scratch') };
  await mkdir(env['GVA_SCRATCH'] ?? '');
});
afterAll(() => folder[Symbol.asyncDispose]());

function start(words: readonly string[]): { child: ChildProcess; said: () => string } {
  const child = spawn(process.execPath, [gvaProgram, ...words], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let text = '';
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return { child, said: () => text };
}

describe('an instance under QEMU', () => {
  it('gives the same bytes undisturbed, and killed and resumed, started cold and warm; told to end, it is saved', async () => {
    const home = join(folder.path, 'one');
    const appliance = await writeAppliance(home, { yaml, job });
    const undisturbed = join(home, 'undisturbed');
    const first = await gva(
      ['run', appliance, '--vmm', 'qemu', '--start', 'cold', '--out', undisturbed],
      env,
    );
    expect(first.code, first.stderr).toBe(0);
    const bytes = await outputBytes(undisturbed);
    expect(bytes['sum']).toBe(expectedSum(1));
    for (const how of ['cold', 'warm'] as const) {
      const out = join(home, how);
      const words = [
        'run',
        appliance,
        '--vmm',
        'qemu',
        '--start',
        how,
        '--out',
        out,
        '--checkpoint-every',
        '1s',
      ];
      const { child, said } = start(words);
      await eventually(() => said().includes('checkpoint taken') || child.exitCode !== null);
      expect(child.exitCode, said()).toBeNull();
      // Cold, it is killed; warm, it is told to end.
      child.kill(how === 'cold' ? 'SIGKILL' : 'SIGTERM');
      await new Promise((resolve) => child.once('close', resolve));
      await noneLeft(env['GVA_SCRATCH'] ?? '');
      expect(existsSync(out)).toBe(false);
      if (how === 'warm') expect(child.exitCode, said()).toBe(143);
      const name = `test-${child.pid ?? 0}`;
      const { code, stderr } = await gva(['resume', name], env);
      expect(code, stderr).toBe(0);
      expect(stderr).toContain('goes on from the checkpoint of');
      expect(await readResult(out)).toMatchObject({ state: 'done', start: how, resumed: 1 });
      expect(await outputBytes(out)).toEqual(bytes);
      expect((await gva(['resume', name], env)).code).toBe(2);
    }
  });
});

it('two that go on from one checkpoint have the time of the host, and random numbers of their own', async () => {
  const home = join(folder.path, 'twins');
  // It goes on when its clock has jumped, which it does only after a pause.
  const job = `then=$(date +%s)
while now=$(date +%s); [ $((now - then)) -lt 8 ]; do then=$now; sleep 0.1; done
head -c 16 /dev/urandom >bytes; cat /proc/sys/kernel/random/uuid >uuid; date +%s >clock`;
  const appliance = await writeAppliance(home, { job });
  const words = ['run', appliance, '--vmm', 'qemu', '--start', 'warm', '--out', join(home, 'out')];
  const { child, said } = start(words);
  await eventually(() => said().includes('50-autorun started') || child.exitCode !== null);
  const ended = new Promise((resolve) => child.once('close', resolve));
  const saved = join(home, 'saved');
  const { code, stderr } = await gva(['checkpoint', `test-${child.pid ?? 0}`, '--stop', '--out', saved], env);
  expect(code, stderr).toBe(0);
  await ended;
  // The copies are gone on with, not this one.
  await rm(checkpointFolder(`test-${child.pid ?? 0}`), { recursive: true });
  const since = Date.now();
  await cp(saved, `${saved}-2`, { recursive: true });
  await eventually(() => Date.now() - since > 12_000);
  const found: Record<string, string>[] = [];
  for (const which of [saved, `${saved}-2`]) {
    const out = `${which}-out`;
    const begin = Math.floor(Date.now() / 1000);
    const resumed = await gva(['resume', which, '--out', out], env);
    expect(resumed.code, resumed.stderr).toBe(0);
    const events = await readFile(join(out, 'events.jsonl'), 'utf8');
    expect(events).toMatch(/"name":"resume",.*"reseeded":"1","clock":"1"/);
    const output = await outputBytes(out);
    expect(Number(output['clock'])).toBeGreaterThanOrEqual(begin - 1);
    expect(Number(output['clock'])).toBeLessThanOrEqual(Date.now() / 1000 + 1);
    found.push(output);
  }
  for (const name of ['bytes', 'uuid']) {
    expect(found[0]?.[name]).not.toBe('');
    expect(found[1]?.[name]).not.toBe(found[0]?.[name]);
  }
});

it('a sweep whose processes are all killed goes on from the checkpoints of its points', async () => {
  const home = join(folder.path, 'sweep');
  await writeAppliance(join(home, 'a'), { yaml, job });
  const plan = join(home, 'plan.yaml');
  await writeFile(plan, 'appliance: ./a\nparameters:\n  seed: [2, 3]\n');
  const out = join(home, 'out');
  const { child } = start([
    ...['sweep', 'run', plan, '--vmm', 'qemu', '--start', 'cold', '-j', '2', '--out', out],
    ...['--checkpoint-every', '1s'],
  ]);
  const saved = (point: number) => join(out, `checkpoints/0000/000000${point}/checkpoint.json`);
  await eventually(() => [0, 1].every((point) => existsSync(saved(point))) || child.exitCode !== null);
  expect(child.exitCode).toBeNull();
  child.kill('SIGKILL');
  await new Promise((resolve) => child.once('close', resolve));
  await noneLeft(env['GVA_SCRATCH'] ?? '');
  const { code, stderr } = await gva(['sweep', 'resume', out], env);
  expect(code, stderr).toBe(0);
  for (const point of [0, 1]) {
    const at = join(out, `points/0000/000000${point}`);
    const result: InstanceResult = await readResult(at);
    expect(result).toMatchObject({ state: 'done', resumed: 1, parameters: { seed: point + 2 } });
    expect(await readFile(join(at, 'output/sum'), 'utf8')).toBe(expectedSum(point + 2));
  }
  expect(await readdir(join(out, 'checkpoints/0000'))).toEqual([]);
});

it('User-mode Linux says that it has none', async () => {
  const home = join(folder.path, 'uml');
  const appliance = await writeAppliance(home, { job: 'true' });
  const words = ['--vmm', 'uml', '--checkpoint-every', '1m', '--out', join(home, 'out')];
  const { code, stderr } = await gva(['run', appliance, ...words], env);
  expect(code).toBe(2);
  expect(stderr).toContain('uml cannot save a running machine');
});
