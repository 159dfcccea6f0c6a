import { once } from 'node:events';
import { chmod, readFile, readdir, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
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
  ['uml', 'disk', 'iso9660'],
  ['qemu', 'cd', 'iso9660'],
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

describe('by network', () => {
  it('parameters, files and scripts come in, others go out, and nobody else is there', async () => {
    await using listener = createServer((socket) => socket.end('HTTP/1.0 200 OK\r\n\r\nreached'));
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const { port } = listener.address() as AddressInfo;
    const home = await writeAppliance(join(folder.path, 'networked'), {
      yaml: 'parameters: { text: { type: string, default: none } }\n',
      job: `
cat /cdrom/param.d/text >got
cat '/cdrom/a b' >more
gva-fetch 'a b' again
head -c 300000 /dev/urandom >random; gva-send random sent.bin; gva-send got
! gva-send got ../up 2>>refused
gva-message 'by the line'
printf '@gva1 message text=by%%20network\\n' >/tmp/event
wget -q -O - --post-file /tmp/event http://10.0.2.100/1/events >posted
# Neither this machine, by the address that QEMU gives it, nor a server of names.
wget -q -O reached http://10.0.2.2:${port}/; nslookup localhost 10.0.2.3 >names; ls /sys/class/net >cards`,
    });
    const out = join(folder.path, 'by-network');
    const more = ['-p', "text=it's\n\u00fc", '--file', `${script}=a b`, '--script', script];
    const said = await gva(['run', home, '--params-on', 'network', '--out', out, ...more]);
    expect(said).toMatchObject({ code: 0 });
    expect(said.stderr).toMatch(/by network/);
    const output = (name: string) => readFile(join(out, 'output', name), 'utf8');
    expect(await output('got')).toBe("it's\n\u00fc");
    expect(await output('more')).toBe(await readFile(script, 'utf8'));
    expect(await output('again')).toBe(await readFile(script, 'utf8'));
    expect(await output('said')).toBe("look.sh after it's\n\u00fc\n");
    expect(await output('posted')).toBe('ok\n');
    expect(await output('cards')).toBe('eth0\nlo\n');
    expect(await readFile(join(out, 'posted/sent.bin'))).toEqual(await readFile(join(out, 'output/random')));
    expect((await readdir(join(out, 'posted'))).sort()).toEqual(['got', 'sent.bin']);
    expect(await output('refused')).toContain('does not take');
    expect(await readFile(join(out, 'output/reached'), 'utf8').catch(() => '')).toBe('');
    expect(await output('names')).not.toContain('127.0.0.1');
    expect(await readResult(out)).toMatchObject({
      scripts: [
        { name: '50-autorun', status: 0 },
        { name: 'look.sh', status: 0 },
      ],
      vmm: { name: 'qemu' },
    });
  });

  it('User-mode Linux has none, and says so before anything is started', async () => {
    const out = join(folder.path, 'uml-network');
    const said = await gva(['run', appliance, '--vmm', 'uml', '--params-on', 'network', '--out', out]);
    expect(said).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/cannot come by network: uml[^]*--vmm qemu/) as string,
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
