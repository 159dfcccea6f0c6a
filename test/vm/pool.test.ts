import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { loadAppliance } from '../../src/appliance/load.js';
import { loadBase } from '../../src/base/store.js';
import { WarmPool } from '../../src/instance/pool/pool.js';
import { prepareAppliance } from '../../src/instance/prepare.js';
import { runInstance } from '../../src/instance/run.js';
import type { StartWish } from '../../src/instance/start.js';
import { Templates } from '../../src/instance/template/templates.js';
import type { InstanceResult } from '../../src/model/result.js';
import { listTree } from '../../src/system/folder-digest.js';
import { QemuDriver } from '../../src/vmm/qemu/driver.js';
import { eventually, noneLeft, readResult, temporaryFolder, writeAppliance } from '../support/gva.js';

// Real guests that were ready before their points. To see one of these alone: npx vitest run --project vm
// test/vm/pool.test.ts -t 'NAME'

const points = 4;

interface Ran {
  readonly result: InstanceResult;
  /** Path to what the guest left there. */
  readonly output: Record<string, string>;
}

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let pooled: Ran[];
let cold: Ran[];
const said: string[] = [];

/** What is the same in all machines comes first; then what must differ; then what the point before would have left. */
const job = `cat /cdrom/param /cdrom/params.json /data/table /app/beside >words
ls -A /app /data >disks; echo changed >/app/x; cat /app/x >>disks; echo out; echo err >&2
mkdir own; cd own
head -c 16 /dev/urandom >bytes
hostname >hostname
cat /etc/machine-id >machine-id
cat /proc/sys/kernel/random/boot_id >boot-id
cd ..; mkdir before
find /tmp /run /root /var /output -name '*left*' >before/files
grep -c -E ' (/etc/machine-id|/proc/sys/kernel/random/boot_id) ' /proc/mounts >before/mounts
for place in /tmp /run /root /var/tmp; do echo "$1" >"$place/left-$1"; done
`;

/** Runs the appliance once for each number; with a pool, each but the first by a guest that was waited for. */
async function runAll(numbers: readonly number[], pool?: WarmPool): Promise<Ran[]> {
  const source = await loadAppliance(join(folder.path, 'a'));
  const prepared = await prepareAppliance(source, await loadBase('micro'));
  const driver = new QemuDriver({ probeKernel: undefined });
  const probe = await driver.probe();
  if (!probe.available) throw new Error(probe.reason);
  const templates = new Templates(() => undefined);
  const start: StartWish = {
    choice: pool ? 'warm' : 'cold',
    make: 'never',
    templates,
    ...(pool ? { pool } : {}),
  };
  const limits = { boot: 240, total: undefined, powerOff: 60 };
  const flags = { start, force: false, keep: 'files', keepDisks: false } as const;
  const { signal } = new AbortController();
  const ran: Ran[] = [];
  for (const n of numbers) {
    const out = join(folder.path, `${start.choice}-${n}`);
    const spec = { id: `pool-${n}`, prepared, parameters: { n }, files: [], out, limits, ...flags };
    await runInstance(spec, { driver, probe }, () => undefined, signal);
    ran.push(await read(out));
    if (pool) await eventually(() => pool.waiting === 1 || said.length > 0);
  }
  return ran;
}

async function read(out: string): Promise<Ran> {
  const output: Record<string, string> = {};
  for (const { path, stat } of await listTree(join(out, 'output')))
    if (stat.isFile()) output[path] = (await readFile(join(out, 'output', path))).toString('latin1');
  return { result: await readResult(out), output };
}

beforeAll(async () => {
  folder = await temporaryFolder();
  const yaml = 'parameters:\n  n: { type: int }\n';
  await writeAppliance(join(folder.path, 'a'), {
    yaml,
    job,
    files: { 'data/table': 'table\n', 'app/beside': 'beside\n' },
  });
  vi.stubEnv('XDG_CACHE_HOME', join(folder.path, 'cache'));
  await using pool = new WarmPool({ say: (text) => said.push(text) });
  pool.resize({ most: 1, fill: true });
  pooled = await runAll([...Array(points).keys()], pool);
  cold = await runAll([0]);
}, 900_000);
afterAll(async () => {
  vi.unstubAllEnvs();
  await folder[Symbol.asyncDispose]();
});

describe(`${points} points, for which guests were kept ready`, () => {
  it('are done, all but the first one by such a guest', () => {
    expect(pooled.map(({ result }) => [result.state, result.start])).toEqual(
      Array.from({ length: points }, () => ['done', 'warm']),
    );
    expect(pooled.map(({ result }) => result.startReason)).toEqual(Array(points).fill(undefined));
    expect(pooled.map(({ result }) => result.pooled)).toEqual(
      Array.from({ length: points }, (_, n) => (n === 0 ? undefined : true)),
    );
    expect(said).toEqual([]);
  });

  it.each(['bytes', 'hostname', 'machine-id', 'boot-id'])('differ in %s', (name) => {
    const values = pooled.map(({ output }) => output[`own/${name}`] ?? '');
    expect(values.filter((value) => value.trim() === '')).toEqual([]);
    expect(new Set(values).size).toBe(points);
  });

  it('see nothing of each other, and nothing of the rehearsal', () => {
    for (const { output } of pooled) {
      expect(output['before/files']).toBe('');
      expect(output['before/mounts']).toBe('2\n');
    }
  });

  it('leave the bytes that a cold start leaves', () => {
    const same = ({ output }: Ran) =>
      Object.fromEntries(Object.entries(output).filter(([path]) => !/^(own|before)\//.test(path)));
    const [first] = pooled;
    const [reference] = cold;
    expect(reference?.result.start).toBe('cold');
    expect(first?.output['words']).toMatch(/^0\n\{"n":0\}\s*table\nbeside\n$/);
    expect(first && same(first)).toEqual(reference && same(reference));
    for (const { result, output } of pooled) {
      expect(output['words']).toContain(`{"n":${result.parameters['n'] as number}}`);
      expect(same({ result, output })).toEqual({
        ...same({ result, output: first?.output ?? {} }),
        words: output['words'],
      });
    }
  });

  it('leave no machine', () => noneLeft(folder.path));
});
