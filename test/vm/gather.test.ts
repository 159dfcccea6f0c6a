import { execFileSync } from 'node:child_process';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { gva, readResult, temporaryFolder, writeAppliance } from '../support/gva.js';

// Real guests: outputs kept in each form, and all of them on the data disk of one more guest.

/** Leaves a file in a folder, one that nobody may read, and a link. */
const square =
  'n=$1; mkdir -p deep; echo $((n * n)) >deep/area; ln -s deep/area link; chmod 0 deep/area; echo "area=$((n * n))" >result.txt';

/** Counts what it has, and cannot change the points' own results. */
const count =
  'find /data/points -name area | wc -l >number; cat /data/points/*/*/deep/area | tr "\\n" " " >areas; ' +
  'readlink /data/points/0000/0000002/link >link; head -c 9 /data/results.csv >head; ' +
  'echo spoilt >/data/points/0000/0000000/result.txt; echo "counted $(cat number)"';

it.each([
  ['files', 'folder'],
  ['archive', 'folder'],
  ['image', 'package'],
])('outputs kept as %s are counted by an appliance from a %s', async (keep, form) => {
  await using folder = await temporaryFolder();
  const at = (name: string) => join(folder.path, name);
  await writeAppliance(at('square'), {
    yaml: 'parameters:\n  n: { type: int }\noutput: { size: 2M }\n',
    job: square,
  });
  await writeAppliance(at('count'), { yaml: 'output: { size: 2M }\n', job: count });
  if (form === 'package') {
    const packed = await gva(['pack', 'count', '--thin', '-o', 'count.ova'], {}, folder.path);
    expect(packed.code, packed.stderr).toBe(0);
  }
  const gather = form === 'package' ? 'count.ova' : 'count';
  const plan = `appliance: square\nparameters: { n: [1, 2, 3] }\nkeep: ${keep}\ngather: { appliance: ${gather} }\n`;
  await writeFile(at('plan.yaml'), plan);
  const run = ['sweep', 'run', 'plan.yaml', '--out', 'out', '--vmm', 'uml', '--no-cache', '--json'];
  const { code, stdout, stderr } = await gva(run, {}, folder.path);
  expect(code, stderr).toBe(0);
  expect(lastEvent(stdout)).toMatchObject({ counts: { done: 3 }, gathered: { state: 'done', status: 0 } });
  const name = { files: 'output', archive: 'output.tar', image: 'output.img' }[keep] ?? '';
  expect(await readdir(at('out/points/0000/0000001'))).toContain(name);
  const texts = ['number', 'areas', 'link', 'head'].map((file) =>
    readFile(at(`out/gather/output/${file}`), 'utf8'),
  );
  expect(await Promise.all(texts)).toEqual(['3\n', '1 4 9 ', 'deep/area\n', 'gva_point']);
  expect(await readFile(at('out/gather.log'), 'utf8')).toBe('counted 3\n');
  expect(await readResult(at('out/gather'))).toMatchObject({ state: 'done', output: { findings: [] } });
  expect(await originalOf(at('out/points/0000/0000000'), keep, folder.path)).toBe('area=1\n');
  const again = await gva(['sweep', 'resume', 'out', '--json'], {}, folder.path);
  expect(lastEvent(again.stdout)).toMatchObject({ kept: 3, gathered: { earlier: true } });
});

/** Of JSON Lines, the last is the summary. */
const lastEvent = (lines: string) => JSON.parse(lines.trimEnd().split('\n').at(-1) ?? '') as unknown;

/** `result.txt` of a point, by other means than ours where there are any. */
async function originalOf(point: string, keep: string, folder: string): Promise<string> {
  if (keep === 'files') return readFile(join(point, 'output/result.txt'), 'utf8');
  if (keep === 'archive')
    return execFileSync('tar', ['-xOf', join(point, 'output.tar'), './result.txt']).toString();
  const { code, stderr } = await gva(['extract', join(point, 'output.img'), 'extracted'], {}, folder);
  expect(code, stderr).toBe(0);
  return readFile(join(folder, 'extracted/result.txt'), 'utf8');
}
