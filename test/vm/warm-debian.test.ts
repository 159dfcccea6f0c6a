import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { DirectBase } from '../../src/base/store.js';
import { packageRoot } from '../../src/system/package.js';
import { buildLimit, debianBase } from '../support/debian-base.js';
import { expectBlocksWork, readDocument, shellBlocks } from '../support/documentation.js';
import { gva, outputBytes, readResult, temporaryFolder, writeAppliance } from '../support/gva.js';

// Guests of Debian that go on from a saved one. To see one of these alone: npx vitest run --project vm
// test/vm/warm-debian.test.ts -t 'NAME'

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let env: Record<string, string>;
let systemd: DirectBase;
beforeAll(async () => {
  folder = await temporaryFolder();
  env = { XDG_CACHE_HOME: join(folder.path, 'cache') };
  await debianBase('quick');
  systemd = await debianBase('systemd');
}, buildLimit);
afterAll(() => folder[Symbol.asyncDispose]());

const pointOf = (out: string, point: number) => join(out, `points/0000/000000${point}`);

it('those with systemd are machines of their own, and leave the bytes that a cold start leaves', async () => {
  const home = join(folder.path, 'systemd');
  // What is the same in all comes first. systemd's boot is over, and no unit has failed.
  const job = `cat /cdrom/params.json /data/table >words; echo out; echo err >&2
systemctl list-units --state=failed --no-legend >units; systemctl is-system-running >>units
echo changed >/app/x; cat /app/x >>words
nsenter -t 1 -m mount -L GVA-DATA /data && nsenter -t 1 -m cat /data/table >>words
mkdir own; cd own; head -c 16 /dev/urandom >bytes; hostname >hostname; cat /etc/machine-id >machine-id
cat /proc/sys/kernel/random/boot_id >boot-id; date +%s >clock`;
  const yaml = `base: ${systemd.name}\nparameters:\n  n: { type: int }\n`;
  const appliance = await writeAppliance(join(home, 'a'), { yaml, job, files: { 'data/table': 'table\n' } });
  const plan = join(home, 'plan.yaml');
  await writeFile(plan, 'appliance: ./a\nparameters:\n  n: [0, 1, 2]\n');
  const out = join(home, 'warm');
  const words = ['sweep', 'run', plan, '--vmm', 'qemu', '--start', 'warm', '-j', '1', '--out', out];
  const sweep = await gva(words, env);
  expect(sweep.code, sweep.stderr).toBe(0);
  const cold = join(home, 'cold');
  const once = ['run', appliance, '-p', 'n=0', '--vmm', 'qemu', '--start', 'cold', '--out', cold];
  const booted = await gva(once, env);
  expect(booted.code, booted.stderr).toBe(0);

  const all: Record<string, string>[] = [await outputBytes(cold)];
  for (const point of [0, 1, 2]) {
    const result = await readResult(pointOf(out, point));
    expect(result).toMatchObject({ state: 'done', start: 'warm' });
    const output = await outputBytes(pointOf(out, point));
    const begin = Date.parse(result.startedAt) / 1000;
    expect(Number(output['own/clock'])).toBeGreaterThan(begin - 1);
    expect(Number(output['own/clock'])).toBeLessThan(begin + (result.times.collected ?? 0) + 1);
    all.push(output);
  }
  for (const name of ['bytes', 'hostname', 'machine-id', 'boot-id'])
    expect(new Set(all.map((output) => output[`own/${name}`])).size, name).toBe(all.length);
  const same = (output: Record<string, string> = {}) =>
    Object.fromEntries(
      Object.entries(output).filter(([path]) => !path.startsWith('own/') && path !== 'units'),
    );
  expect(same(all[1])).toEqual(same(all[0]));
  expect(all[3]?.['words']).toBe('{"n":2}\ntable\nchanged\ntable\n');
  expect(all[3]?.['units']).toBe('running\n');
});

it('Python that has imported NumPy before its instance begins computes what it computes in a cold start', async () => {
  // As its README has it, in a folder with a copy of nothing but gva.
  const blocks = shellBlocks(await readDocument('examples/eigenvalues/README.md'));
  const results = join(folder.path, 'eigenvalues');
  const here = blocks.map((block) =>
    block.replaceAll(' examples/', ` ${packageRoot}/examples/`).replaceAll('eigenvalues-results', results),
  );
  await expectBlocksWork(here, env);
  const cold = join(folder.path, 'eigenvalues-cold');
  const example = join(packageRoot, 'examples/eigenvalues');
  const words = ['run', example, '-p', 'seed=2', '--vmm', 'qemu', '--start', 'cold', '--out', cold];
  const { code, stderr } = await gva(words, env);
  expect(code, stderr).toBe(0);
  const bytes = await outputBytes(cold);
  expect(bytes['result.txt']).toMatch(/^largest=\d+\.\d{12}\n$/);
  expect(bytes['.gva/50-autorun.stdout']).toBe('40 eigenvalues\n');
  expect(await outputBytes(pointOf(results, 1))).toEqual(bytes);
  const largest = new Set<string | undefined>();
  for (const point of [0, 1, 2]) {
    expect(await readResult(pointOf(results, point))).toMatchObject({ state: 'done', start: 'warm' });
    largest.add((await outputBytes(pointOf(results, point)))['result.txt']);
  }
  expect(largest.size).toBe(3);
});
