import { cp, mkdir, readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadAppliance } from '../../src/appliance/load.js';
import { loadDirectBase } from '../../src/base/store.js';
import { prepareAppliance } from '../../src/instance/prepare.js';
import type { GridImage, GridWork } from '../../src/model/grid.js';
import { digestFile } from '../../src/system/files.js';
import { gridFiles, gridImage, pointFolder } from '../../src/system/paths.js';
import { recordOf, writeGrid } from '../grid/worker-fixture.js';
import { gva, readResult, temporaryFolder, writeAppliance } from '../support/gva.js';

async function putImage(sweep: string, file: string): Promise<GridImage> {
  const sha256 = await digestFile(file);
  await cp(file, gridImage(sweep, sha256));
  return { size: (await stat(file)).size, sha256 };
}

it.each(['uml', 'qemu'])(
  'a worker runs real guests under %s, whose output is that of gva run',
  async (vmm) => {
    await using folder = await temporaryFolder();
    const source = await writeAppliance(join(folder.path, 'a'), {
      yaml: 'parameters:\n  n: { type: int }\n  mode: { type: string }\n',
      job: 'echo "$1 $2" | sha256sum >sum; cat /data/table >>sum',
      files: { 'data/table': 'table\n' },
    });
    const base = await loadDirectBase('micro');
    const { appliance, digest, machine } = await prepareAppliance(await loadAppliance(source), base);
    if (machine.kind !== 'contract' || !machine.data) throw new Error('an appliance folder with data');
    const sweep = join(folder.path, 'sweep');
    await mkdir(join(sweep, gridFiles.folder, gridFiles.images), { recursive: true });
    const { root, kernel, initrd } = base.files;
    for (const { name } of [root, kernel, initrd]) await putImage(sweep, join(base.folder, name));
    const [app, data] = [await putImage(sweep, machine.app.file), await putImage(sweep, machine.data.file)];
    const work: GridWork = {
      ...{ format: 'gva-grid-work/1', gva: '0', appliance, digest },
      base: { name: base.name, digest: base.digest },
      machine: { kind: 'contract', base, app, data, outputOn: 'disk' },
      ...{
        vmm,
        limits: { boot: 120, powerOff: 30 },
        start: 'cold',
        keep: 'files',
        keepDisks: false,
        nodeCache: 2 ** 30,
      },
    };
    const bytes = [root, kernel, initrd, app, data].reduce((sum, { size }) => sum + size, 0);
    const grid = await writeGrid(folder.path, sweep, work, bytes);
    // Emulation takes its time.
    const points = vmm === 'uml' ? [7, 8] : [7];
    const spec = await grid.element(points, { seconds: 3600 });
    const scratch = join(folder.path, 'scratch');
    await mkdir(scratch);
    const env = { GVA_NODE_CACHE: folder.path, GVA_SCRATCH: scratch, GVA_JOB: '1_0' };
    const { code, stderr } = await gva(['run', '--spec', spec], env);
    expect(code, stderr).toBe(0);
    const records = await recordOf(spec, '1_0');
    expect(records.find(({ record }) => record === 'staged')).toMatchObject({ bytes });
    expect(records.find(({ record }) => record === 'vmm')).toMatchObject({ name: vmm });
    for (const n of points) {
      const out = join(folder.path, `out-${n}`);
      const words = ['-p', `n=${n}`, '-p', 'mode=fast', '--vmm', vmm, '--out', out];
      expect((await gva(['run', source, ...words])).code).toBe(0);
      const [onNode, here] = [await readResult(pointFolder(sweep, n)), await readResult(out)];
      expect(onNode).toMatchObject({ state: 'done', identity: here.identity, base: here.base });
      const sum = (results: string) => readFile(join(results, 'output/sum'), 'utf8');
      expect(await sum(pointFolder(sweep, n))).toBe(await sum(out));
      expect(await sum(out)).toMatch(/^[0-9a-f]{64} .*\ntable\n$/);
    }
    expect(await readdir(scratch)).toEqual([]);
  },
);
