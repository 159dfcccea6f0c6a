import { open, readFile, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { loadAppliance } from '../../src/appliance/load.js';
import { loadDirectBase } from '../../src/base/store.js';
import { prepareAppliance } from '../../src/instance/prepare.js';
import { runInstance } from '../../src/instance/run.js';
import { describeContents } from '../../src/instance/template/cache.js';
import { Templates } from '../../src/instance/template/templates.js';
import type { InstanceResult } from '../../src/model/result.js';
import { listTree } from '../../src/system/folder-digest.js';
import { templateFiles } from '../../src/system/paths.js';
import { QemuDriver } from '../../src/vmm/qemu/driver.js';
import {
  eventually,
  gva,
  gvaProgram,
  noneLeft,
  readResult,
  temporaryFolder,
  writeAppliance,
} from '../support/gva.js';

// Real guests that go on from a saved one. To see one of these alone: npx vitest run --project vm
// test/vm/warm-starts.test.ts -t 'NAME'

/** Instances of the sweep that looks for what clones have in common. */
const clones = process.env['GVA_LONG'] ? 1000 : 40;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
/** Templates of these tests alone. */
let cache: string;
beforeAll(async () => {
  folder = await temporaryFolder();
  cache = join(folder.path, 'cache');
});
afterAll(() => folder[Symbol.asyncDispose]());

const command = (...args: string[]) => gva(args, { XDG_CACHE_HOME: cache });
const fresh = async () => join(folder.path, `t${(await readdir(folder.path)).length}`);

const isKey = (name: string) => /^[0-9a-f]{64}$/.test(name);

/** The files that the guest left: path to bytes. */
async function outputBytes(out: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const { path, stat } of await listTree(join(out, 'output')))
    if (stat.isFile()) files[path] = (await readFile(join(out, 'output', path))).toString('latin1');
  return files;
}

describe('an appliance', () => {
  it('gives the same bytes cold and warm: parameters, files, data, what before and after do', async () => {
    const home = await fresh();
    const yaml = `parameters:
  n: { type: int, default: 7 }
  text: { type: string, default: "a b" }
before: echo before >trace && export FROM_BEFORE=yes
after: echo "after $FROM_BEFORE" >>trace
`;
    const job = [
      'echo run >>trace; printf "%s|" "$@" >words; cp /cdrom/params.json /cdrom/params.sh .; cp -r /cdrom/param.d .',
      'cat /data/table /cdrom/extra >inputs; cat /app/"with blank" >beside; echo written >/app/x; cat /app/x >>beside',
      "head -c 3000000 /cdrom/extra | md5sum; seq 1 5000 | md5sum; mkdir -p deep/er; ls -l /app /data | awk '{ print $1, $3, $5, $NF }'; echo err >&2",
    ].join('\n');
    const files = { 'data/table': 'table\n', 'app/with blank': 'blank\n' };
    const appliance = await writeAppliance(home, { yaml, job, files });
    await writeFile(join(home, 'extra'), Buffer.alloc(3_000_000, 'extra '));
    const outputs: Record<string, string>[] = [];
    for (const start of ['cold', 'warm', 'auto']) {
      const out = join(home, start);
      const words = [
        '-p',
        'n=-3',
        '-f',
        join(home, 'extra'),
        '--vmm',
        'qemu',
        '--start',
        start,
        '--out',
        out,
      ];
      const { code, stderr } = await command('run', appliance, ...words);
      expect(code, stderr).toBe(0);
      expect(stderr).toContain(start === 'cold' ? 'guest is up' : 'guest is awake');
      expect((await readResult(out)).start).toBe(start === 'cold' ? 'cold' : 'warm');
      outputs.push(await outputBytes(out));
    }
    expect(outputs[0]?.['trace']).toBe('before\nrun\nafter yes\n');
    expect(outputs[1]).toEqual(outputs[0]);
    expect(outputs[2]).toEqual(outputs[0]);
  });

  it('whose before is done once gives the same bytes cold and warm, and each clone has a seed of its own', async () => {
    const home = await fresh();
    const yaml = `warm: after-before
parameters:
  n: { type: int }
before: . /app/before.sh
run: . /app/run.sh $(cat /cdrom/param)
`;
    const files = {
      // A table in memory, a variable, a server, files of its own: all that a warm program consists of.
      'app/before.sh': `table=$(cat /data/table); export EXPORTED=yes; cat /proc/sys/kernel/random/uuid >/tmp/drawn; echo kept >trace; mkdir -p deep && cd deep
echo said; echo table read >>/app/own
(read -r _ </run/gvad/awake; cat /cdrom/param >/output/served) & server=$!`,
      'app/run.sh': `wait $server; echo "$table $EXPORTED $PWD $1"; echo run >>../trace; cat /app/own /output/served
(kill -s INT $(exec sh -c 'echo $PPID')); echo "interrupted: $?"; env | sort >../env
mkdir ../once && cp /run/gvad/seed /tmp/drawn ../once`,
      'data/table': 'table of data\n',
    };
    const appliance = await writeAppliance(join(home, 'a'), { yaml: '', job: 'true', files });
    await writeFile(join(appliance, 'gva.yaml'), `name: once\n${yaml}`);
    const outputs: Record<string, string>[] = [];
    for (const [start, n] of [
      ['cold', 3],
      ['warm', 3],
      ['auto', 4],
    ] as const) {
      const out = join(home, `${start}-${n}`);
      const words = ['-p', `n=${n}`, '--vmm', 'qemu', '--start', start, '--out', out];
      const { code, stderr } = await command('run', appliance, ...words);
      expect(code, stderr).toBe(0);
      expect((await readResult(out)).start).toBe(start === 'cold' ? 'cold' : 'warm');
      outputs.push(await outputBytes(out));
    }
    const [cold = {}, warm = {}, other = {}] = outputs;
    expect(new Set(outputs.map((output) => output['once/seed'])).size).toBe(3);
    expect(warm['once/seed']).toMatch(/^[0-9a-f-]{72}\n$/);
    // In the template, once.
    expect(warm['once/drawn']).toBe(other['once/drawn']);
    expect(warm['once/drawn']).not.toBe(cold['once/drawn']);
    expect(cold['.gva/50-autorun.stdout']).toBe(
      'said\ntable of data yes /output/deep 3\ntable read\n3\ninterrupted: 130\n',
    );
    const drawn = { 'once/seed': '', 'once/drawn': '' };
    expect({ ...warm, ...drawn }).toEqual({ ...cold, ...drawn });
    expect(other).toMatchObject({ trace: 'kept\nrun\n', served: '4\n' });
  });

  it('that fails, panics or hangs is told of as after a cold start', async () => {
    const run = async (job: string, ...words: string[]) => {
      const home = await fresh();
      const out = join(home, 'out');
      const appliance = await writeAppliance(home, { job });
      const said = await command(
        ...['run', appliance, '--vmm', 'qemu', '--start', 'warm', '--out', out],
        ...words,
      );
      await noneLeft(home);
      return { ...said, result: await readResult(out), output: await outputBytes(out) };
    };
    expect(await run('echo half >half; exit 3')).toMatchObject({
      ...{ code: 1, output: { half: 'half\n' } },
      result: { start: 'warm', state: 'failed', cause: 'script-status', scripts: [{ status: 3 }] },
    });
    expect(await run('echo early >early; sync; echo c >/proc/sysrq-trigger; sleep 100')).toMatchObject({
      ...{ code: 69, output: { early: 'early\n' } },
      result: { start: 'warm', state: 'lost', cause: 'panic' },
    });
    expect(await run('echo early >early; sync; while :; do :; done', '--timeout', '8s')).toMatchObject({
      ...{ code: 69, output: { early: 'early\n' } },
      result: { start: 'warm', state: 'lost', cause: 'timeout' },
    });
  });

  it('cannot be started warm under User-mode Linux, and that is said', async () => {
    const home = await fresh();
    const appliance = await writeAppliance(home, { job: 'true' });
    const words = ['--vmm', 'uml', '--out', join(home, 'out')];
    const { code, stderr } = await command('run', appliance, '--start', 'warm', ...words);
    expect(code).toBe(69);
    expect(stderr).toMatch(/cannot be started warm: uml cannot save a machine/);
    expect((await command('run', appliance, ...words)).code).toBe(0);
    expect((await readResult(join(home, 'out'))).start).toBe('cold');
  });
});

describe(`${clones} clones`, () => {
  interface Drawn {
    readonly result: InstanceResult;
    /** Name to what the guest found. */
    readonly found: Record<string, string>;
  }
  let drawn: Drawn[] = [];

  beforeAll(async () => {
    const home = await fresh();
    // The first process after waking draws; the loader's choice of addresses is drawn, too.
    const job = `head -c 16 /dev/urandom >bytes
cat /proc/sys/kernel/random/uuid >uuid
date +%s >clock
grep -m 1 stack /proc/self/maps >stack
hostname >hostname
cat /etc/machine-id >machine-id
cat /proc/sys/kernel/random/boot_id >boot-id
echo "$1" >n
head -c 16 /dev/urandom >more`;
    await writeAppliance(join(home, 'a'), { yaml: 'parameters:\n  n: { type: int }\n', job });
    const plan = join(home, 'plan.yaml');
    await writeFile(plan, `appliance: ./a\nparameters:\n  n: { range: [1, ${clones}] }\n`);
    const words = ['--vmm', 'qemu', '-j', '2', '--out', join(home, 'out')];
    const own = { XDG_CACHE_HOME: join(home, 'cache') };
    const sweep = await gva(['sweep', 'run', plan, ...words], own, home, 3600);
    expect(sweep.code, sweep.stderr).toBe(0);
    expect(sweep.stderr.match(/making a template/g)).toHaveLength(1);
    const points = (await listTree(join(home, 'out/points'))).filter(({ path }) =>
      path.endsWith('result.json'),
    );
    drawn = await Promise.all(
      points.map(async ({ path }) => {
        const out = join(home, 'out/points', path, '..');
        return { result: await readResult(out), found: await outputBytes(out) };
      }),
    );
  }, 3_600_000);

  it('were all done, each a clone, each with its own parameters', () => {
    expect(drawn).toHaveLength(clones);
    for (const { result, found } of drawn) {
      expect(result).toMatchObject({ state: 'done', start: 'warm' });
      expect(found['n']).toBe(`${result.parameters['n'] as number}\n`);
    }
  });

  it.each(['bytes', 'more', 'uuid', 'stack', 'hostname', 'machine-id', 'boot-id'])('differ in %s', (name) => {
    const values = drawn.map(({ found }) => found[name] ?? '');
    expect(values.filter((value) => value.trim() === '')).toEqual([]);
    expect(new Set(values).size).toBe(clones);
  });

  it('have the time of the host', () => {
    for (const { result, found } of drawn) {
      const begin = Date.parse(result.startedAt) / 1000;
      const clock = Number(found['clock']);
      // While they ran, and a second more each way for what the guest's clock does to itself.
      expect(clock).toBeGreaterThan(begin - 1);
      expect(clock).toBeLessThan(begin + (result.times.collected ?? 0) + 1);
    }
  });
});

it('a template whose files are cut short, changed or gone is made again, which is said', async () => {
  const home = await fresh();
  const own = { XDG_CACHE_HOME: join(home, 'cache') };
  const appliance = await writeAppliance(join(home, 'a'), { job: 'echo fine >x' });
  const damages: [start: string, damage?: (template: string) => Promise<unknown>][] = [
    ['warm'],
    ['auto', (template) => truncate(join(template, templateFiles.memory), 1 << 20)],
    ['auto', (template) => writeFile(join(template, templateFiles.state), 'other', { flag: 'r+' })],
    ['auto', (template) => writeFile(join(template, templateFiles.memory), 'other', { flag: 'r+' })],
    ['auto', (template) => rm(join(template, templateFiles.root))],
  ];
  for (const [round, [start, damage]] of damages.entries()) {
    const all = join(home, 'cache/gva/templates');
    if (damage) for (const name of await readdir(all)) if (isKey(name)) await damage(join(all, name));
    const out = join(home, `out-${round}`);
    const words = ['run', appliance, '--vmm', 'qemu', '--start', start, '--out', out];
    const { code, stderr } = await gva(words, own);
    expect(code, stderr).toBe(0);
    expect(stderr.includes('the template was damaged and is made again'), stderr).toBe(round > 0);
    expect(await readResult(out)).toMatchObject({ state: 'done', start: 'warm' });
    expect(await outputBytes(out)).toMatchObject({ x: 'fine\n' });
    await noneLeft(home);
  }
});

describe('a template that is broken in a way that no digest tells', () => {
  /** An instance from a template whose files were damaged, and their digests with them. */
  async function runDamaged(damage: (template: string) => Promise<unknown>): Promise<InstanceResult> {
    const home = await fresh();
    vi.stubEnv('XDG_CACHE_HOME', join(home, 'cache'));
    const base = await loadDirectBase('micro');
    const source = await loadAppliance(await writeAppliance(join(home, 'a'), { job: 'echo fine >x' }));
    const prepared = await prepareAppliance(source, base);
    const driver = new QemuDriver({ probeKernel: undefined });
    const probe = await driver.probe();
    if (!probe.available) throw new Error(probe.reason);
    const run = async (choice: 'auto' | 'warm', wakeLimit: number) => {
      const templates = new Templates(() => undefined);
      const start = { choice, make: 'never', templates, wakeLimit } as const;
      const limits = { boot: 120, total: undefined, powerOff: 60 };
      const spec = {
        id: `t-${choice}`,
        prepared,
        parameters: {},
        files: [],
        out: join(home, choice),
        limits,
      };
      const { signal } = new AbortController();
      return runInstance(
        { ...spec, start, force: false, keep: 'files', keepDisks: false },
        { driver, probe },
        () => undefined,
        signal,
      );
    };
    try {
      expect(await run('warm', 60_000)).toMatchObject({ state: 'done', start: 'warm' });
      const all = join(home, 'cache/gva/templates');
      const key = (await readdir(all)).find(isKey) ?? '';
      await damage(join(all, key));
      const manifest = JSON.parse(await readFile(join(all, key, 'template.json'), 'utf8')) as object;
      const files = await describeContents(join(all, key));
      await writeFile(join(all, key, 'template.json'), JSON.stringify({ ...manifest, files }));
      const result = await run('auto', 4000);
      expect(await outputBytes(join(home, 'auto'))).toMatchObject({ x: 'fine\n' });
      await noneLeft(home);
      return result;
    } finally {
      vi.unstubAllEnvs();
    }
  }

  it('by its state: QEMU refuses it, and the instance is started cold', async () => {
    const result = await runDamaged((template) => truncate(join(template, 'state'), 1000));
    expect(result).toMatchObject({ state: 'done', start: 'cold' });
    expect(result.startReason).toMatch(/QEMU has not resumed the machine/);
  });

  it('by its memory: the clone does not answer, is ended, and the instance is started cold', async () => {
    const result = await runDamaged(async (template) => {
      // Where the kernel is; what QEMU itself looks at is further below.
      const memory = await open(join(template, 'memory'), 'r+');
      await memory.write(Buffer.alloc(64 << 20), 0, 64 << 20, 16 << 20);
      await memory.close();
    });
    expect(result).toMatchObject({ state: 'done', start: 'cold' });
    expect(result.startReason).toMatch(/the clone was not used/);
  });
});

it('a process that is killed while it makes a template leaves nothing in the way', async () => {
  const home = await fresh();
  const appliance = await writeAppliance(join(home, 'a'), { job: 'true' });
  const env = { ...process.env, XDG_CACHE_HOME: join(home, 'cache') };
  const out = join(home, 'out');
  const words = ['run', appliance, '--vmm', 'qemu', '--start', 'warm', '--out', out];
  const first = spawn(process.execPath, [gvaProgram, ...words], { env, stdio: 'ignore' });
  const all = join(home, 'cache/gva/templates');
  const names = async () => readdir(all).catch(() => [] as string[]);
  await eventually(async () => (await names()).some((name) => name.endsWith('.tmp')));
  first.kill('SIGKILL');
  await noneLeft(home);
  const { code, stderr } = await gva(words, { XDG_CACHE_HOME: join(home, 'cache') });
  expect(code, stderr).toBe(0);
  expect((await readResult(out)).start).toBe('warm');
  expect((await names()).filter((name) => name.startsWith('.lock'))).toEqual([]);
});
