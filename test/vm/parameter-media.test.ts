import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gva, readResult, temporaryFolder, writeAppliance } from '../support/gva.js';

// What parameters come on (docs/channels.md, "Before it starts"), with real guests.

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let appliance: string;
let script: string;
beforeAll(async () => {
  folder = await temporaryFolder();
  appliance = await writeAppliance(join(folder.path, 'appliance'), {
    yaml: 'parameters: { text: { type: string, default: none } }\n',
    job: 'cat /cdrom/param.d/text >got; cat /cdrom/more >more; sed -n "s:.* /cdrom \\\\([^ ]*\\\\) .*:\\\\1:p" /proc/mounts >kind',
  });
  script = join(folder.path, 'look.sh');
  await writeFile(script, '#!/bin/sh\necho "$GVA_SCRIPT after $(cat /output/got)" >>said\n');
  await chmod(script, 0o644);
});
afterAll(() => folder[Symbol.asyncDispose]());

const ways = [
  ['uml', 'cd', 'iso9660'],
  ['uml', 'floppy', 'vfat'],
  ['qemu', 'floppy', 'vfat'],
  ['qemu', 'disk', 'iso9660'],
] as const;

describe.each(ways)('under %s by %s', (vmm, medium, kind) => {
  it('parameters, files and scripts come in, and each script is run once, after the appliance', async () => {
    const out = join(folder.path, `${vmm}-${medium}`);
    const words = ['run', appliance, '--vmm', vmm, '--params-on', medium, '--out', out];
    const more = ['-p', "text=it's\n\u00fc", '--file', `${script}=more`, '--script', script];
    expect(await gva([...words, ...more])).toMatchObject({ code: 0 });
    const output = (name: string) => readFile(join(out, 'output', name), 'utf8');
    expect(await output('got')).toBe("it's\n\u00fc");
    expect(await output('more')).toBe(await readFile(script, 'utf8'));
    expect(await output('said')).toBe("look.sh after it's\n\u00fc\n");
    expect(await output('kind')).toBe(`${kind}\n`);
    expect(await readResult(out)).toMatchObject({
      scripts: [
        { name: '50-autorun', status: 0 },
        { name: 'look.sh', status: 0 },
      ],
      files: [{ name: 'more' }, { name: 'script-bin/look.sh' }],
    });
  });
});

it('an appliance may say what its parameters come on, for each point of a sweep', async () => {
  const plan = join(folder.path, 'plan.yaml');
  const says = await writeAppliance(join(folder.path, 'says'), {
    yaml: 'params-on: floppy\nparameters: { n: { type: int } }\n',
    job: 'grep -c "/floppy vfat" /proc/mounts >mounts; echo $1 >got',
  });
  await writeFile(plan, `appliance: ${says}\nparameters: { n: [4, 5] }\n`);
  const out = join(folder.path, 'points');
  expect(await gva(['sweep', 'run', plan, '--vmm', 'uml', '--out', out])).toMatchObject({ code: 0 });
  for (const [index, value] of ['4', '5'].entries()) {
    const point = join(out, 'points/0000', `000000${index}`, 'output');
    expect(await readFile(join(point, 'got'), 'utf8')).toBe(`${value}\n`);
    expect(await readFile(join(point, 'mounts'), 'utf8')).toBe('1\n');
  }
  const again = join(folder.path, 'on-cd');
  const words = ['sweep', 'run', plan, '--vmm', 'uml', '--params-on', 'cd', '--no-cache', '--out', again];
  expect(await gva(words)).toMatchObject({ code: 0 });
  expect(await readFile(join(again, 'points/0000/0000000/output/mounts'), 'utf8')).toBe('0\n');
});

it('what no floppy can hold is told before a machine is started', async () => {
  const big = join(folder.path, 'big');
  await writeFile(big, Buffer.alloc(2 << 20));
  const out = join(folder.path, 'too-big');
  const said = await gva(['run', appliance, '--params-on', 'floppy', '--file', big, '--out', out]);
  expect(said).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/cannot be put on a floppy[^]*--params-on cd/) as string,
  });
});
