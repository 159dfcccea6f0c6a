import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { noneLeft, outputBytes, readResult, temporaryFolder, writeAppliance } from '../support/gva.js';
import { gvaReadOnly } from '../support/read-only.js';
import { canMount } from '../support/small-disk.js';

// Folders of GVA's own that cannot be written to, by root neither: mounted read-only in a namespace.

/** Where bases are. */
const { XDG_DATA_HOME = join(process.env['HOME'] ?? '', '.local/share') } = process.env;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let out: string;
let appliance: string;
let env: Record<string, string>;
beforeEach(async () => {
  folder = await temporaryFolder();
  const at = (name: string) => join(folder.path, name);
  for (const name of ['cache', 'scratch']) await mkdir(at(name));
  [out, appliance] = [at('out'), at('appliance')];
  env = { XDG_DATA_HOME, XDG_CACHE_HOME: at('cache'), GVA_SCRATCH: at('scratch') };
  const yaml = 'parameters: { n: { type: int, default: 3 } }\n';
  await writeAppliance(appliance, { yaml, job: 'echo "square=$(($1 * $1))" >result.txt' });
  await writeFile(at('plan.yaml'), 'appliance: ./appliance\nparameters: { n: [2, 3] }\n');
});
afterEach(async () => {
  await noneLeft(folder.path);
  await folder[Symbol.asyncDispose]();
});

const uml = ['--vmm', 'uml'];
const told = () => `the cache ${folder.path}/cache/gva cannot be written to (EROFS`;

describe.skipIf(!canMount())('a cache that is read-only (for root, or with user namespaces)', () => {
  it('is told of, and a run makes anew what it needs, and leaves nothing', async () => {
    const { code, stderr } = await gvaReadOnly(
      [`${folder.path}/cache`],
      ['run', appliance, '--out', out, ...uml],
      env,
    );
    expect(code, stderr).toBe(0);
    expect(stderr).toContain(told());
    expect(await readResult(out)).toMatchObject({ state: 'done' });
    expect(await outputBytes(out)).toMatchObject({ 'result.txt': 'square=9\n' });
    expect(await readdir(`${folder.path}/scratch`)).toEqual([]);
    expect(await readdir(`${folder.path}/cache`)).toEqual([]);
  });

  it('is told of, and a sweep has its results', async () => {
    const args = ['sweep', 'run', `${folder.path}/plan.yaml`, '--out', out, ...uml];
    const { code, stderr } = await gvaReadOnly([`${folder.path}/cache`], args, env);
    expect(code, stderr).toBe(0);
    expect(stderr.split(told())).toHaveLength(2);
    const rows = (await readFile(join(out, 'results.csv'), 'utf8')).trimEnd().split('\r\n').slice(1);
    expect(rows.map((row) => row.replace(/,.*,/, ','))).toEqual(['0,4', '1,9']);
    expect(await readdir(`${folder.path}/scratch`)).toEqual([]);
  });

  it('cannot have the queue of the grid of this machine, which is said with a hint', async () => {
    const args = ['sweep', 'run', `${folder.path}/plan.yaml`, '--out', out, '--grid', 'local', ...uml];
    const { code, stderr } = await gvaReadOnly([`${folder.path}/cache`], args, env);
    expect(code, stderr).toBe(69);
    expect(stderr).toContain(`cannot be kept in ${folder.path}/cache`);
    expect(stderr).toContain('hint: Name a folder that can be written to in XDG_CACHE_HOME.');
    expect(stderr).not.toMatch(/\n\s+at /);
  });
});

describe.skipIf(!canMount())('a data folder that is read-only (for root, or with user namespaces)', () => {
  it('has bases that can be used, in runs and in sweeps', async () => {
    const run = await gvaReadOnly([XDG_DATA_HOME], ['run', appliance, '--out', out, ...uml], env);
    expect(run.code, run.stderr).toBe(0);
    expect(await outputBytes(out)).toMatchObject({ 'result.txt': 'square=9\n' });
    const args = ['sweep', 'run', `${folder.path}/plan.yaml`, '--out', `${out}-sweep`, ...uml];
    const sweep = await gvaReadOnly([XDG_DATA_HOME], args, env);
    expect(sweep.code, sweep.stderr).toBe(0);
    expect(sweep.stderr).not.toMatch(/\n\s+at /);
  });

  it('keeps its bases from being removed, which is said in words', async () => {
    const { code, stderr } = await gvaReadOnly([XDG_DATA_HOME], ['base', 'rm', 'micro', '--yes'], env);
    expect(code, stderr).not.toBe(0);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(stderr).toContain('error: ');
  });
});
