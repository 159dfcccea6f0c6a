import { spawn } from 'node:child_process';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadDirectBase } from '../../src/base/store.js';
import { filesOf } from '../../src/model/base.js';
import { digestFile } from '../../src/system/files.js';
import {
  eventually,
  gva,
  gvaProgram,
  noneLeft,
  processesWith,
  readResult,
  temporaryFolder,
  writeAppliance,
} from '../support/gva.js';

describe('instances beside each other', () => {
  it.each(['qemu', 'uml'])('two at the same time see their own parameters only, under %s', async (vmm) => {
    await using folder = await temporaryFolder();
    const appliance = await writeAppliance(join(folder.path, 'a'), {
      yaml: 'parameters:\n  n: { type: int }\n',
      job: 'cat /cdrom/param /cdrom/params.json >seen; echo "$1" >>/app/mark; cat /app/mark >>seen; sleep 2',
    });
    const out = (n: number) => join(folder.path, `out-${n}`);
    const runs = [1, 2].map((n) => gva(['run', appliance, '-p', `n=${n}`, '--vmm', vmm, '--out', out(n)]));
    expect((await Promise.all(runs)).map(({ code }) => code)).toEqual([0, 0]);
    for (const n of [1, 2])
      expect(await readFile(join(out(n), 'output/seen'), 'utf8')).toBe(`${n}\n{"n":${n}}\n${n}\n`);
  });

  it.each([process.env['GVA_LONG'] ? 20 : 6])(
    'leave the base and the cached disks untouched, over %i runs',
    async (runs) => {
      await using folder = await temporaryFolder();
      const base = await loadDirectBase('micro');
      const job =
        'echo x >/etc/x; echo y >/app/y; dd if=/dev/zero of=/etc/zeros bs=1M count=2 2>/dev/null; echo ok >ok';
      const appliance = await writeAppliance(join(folder.path, 'a'), { job });
      const env = { XDG_CACHE_HOME: join(folder.path, 'cache') };
      const images = join(folder.path, 'cache/gva/images');
      const digests = async () => {
        const cached = (await readdir(images)).filter((name) => name.endsWith('.img'));
        const files = [
          ...filesOf(base).map(({ name }) => join(base.folder, name)),
          ...cached.map((name) => join(images, name)),
        ];
        return Promise.all(files.map(digestFile));
      };
      let first: string[] | undefined;
      for (let run = 0; run < runs; run++) {
        const out = join(folder.path, `out-${run}`);
        const { code, stderr } = await gva(
          ['run', appliance, '--vmm', run % 5 === 0 ? 'qemu' : 'uml', '--out', out],
          env,
        );
        expect(code, stderr).toBe(0);
        first ??= await digests();
      }
      expect(await digests()).toEqual(first);
      expect(first?.slice(0, 4)).toEqual(filesOf(base).map(({ sha256 }) => sha256));
    },
  );
});

describe('the end of gva', () => {
  async function startHanging(folder: string, vmm: string) {
    const appliance = await writeAppliance(join(folder, 'a'), { job: 'while :; do :; done' });
    const child = spawn(
      process.execPath,
      [gvaProgram, 'run', appliance, '--vmm', vmm, '--out', join(folder, 'out')],
      {
        env: { ...process.env, GVA_SCRATCH: folder },
      },
    );
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await eventually(() => {
      expect(child.exitCode, said).toBeNull();
      return said.includes('50-autorun started');
    });
    expect(await processesWith(join(folder, 'gva-'))).not.toEqual([]);
    return {
      child,
      exited: new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code))),
    };
  }

  it.each(['qemu', 'uml'])(
    'by kill -9 takes the machine along, under %s; the next run cleans up',
    async (vmm) => {
      await using folder = await temporaryFolder();
      const { child, exited } = await startHanging(folder.path, vmm);
      child.kill('SIGKILL');
      await exited;
      await eventually(async () => (await processesWith(join(folder.path, 'gva-'))).length === 0);
      const left = await readdir(folder.path);
      expect(left.filter((name) => name.startsWith('gva-'))).toHaveLength(1);
      expect(left).not.toContain('out');
      const other = await writeAppliance(join(folder.path, 'b'), { job: 'true' });
      const { code } = await gva(['run', other, '--vmm', 'uml', '--out', join(folder.path, 'out')], {
        GVA_SCRATCH: folder.path,
      });
      expect(code).toBe(0);
      expect((await readdir(folder.path)).sort()).toEqual(['a', 'b', 'out']);
    },
  );

  it.each(['qemu', 'uml'])('by Ctrl-C ends the machine and leaves nothing, under %s', async (vmm) => {
    await using folder = await temporaryFolder();
    const { child, exited } = await startHanging(folder.path, vmm);
    child.kill('SIGINT');
    expect(await exited).toBe(130);
    await noneLeft(join(folder.path, 'gva-'));
    expect(await readdir(folder.path)).toEqual(['a']);
  });

  it('replaces results only with --force, and never half', async () => {
    await using folder = await temporaryFolder();
    const appliance = await writeAppliance(join(folder.path, 'a'), {
      yaml: 'parameters:\n  n: { type: int }\n',
      job: 'echo "$1" >n',
    });
    const out = join(folder.path, 'out');
    const run = (n: number, ...options: string[]) =>
      gva(['run', appliance, '-p', `n=${n}`, '--vmm', 'uml', '--out', out, ...options]);
    expect((await run(1)).code).toBe(0);
    expect((await run(2)).code).toBe(2);
    expect((await readResult(out)).parameters).toEqual({ n: 1 });
    expect((await run(3, '--force')).code).toBe(0);
    expect(await readFile(join(out, 'output/n'), 'utf8')).toBe('3\n');
    expect((await readdir(folder.path)).sort()).toEqual(['a', 'out']);
  });
});
