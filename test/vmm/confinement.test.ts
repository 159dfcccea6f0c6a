import { chmod, mkdir, readFile, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { findConfinement } from '../../src/vmm/confinement-probe.js';
import { confined, machineReach, sandboxSetting } from '../../src/vmm/confinement.js';
import type { MachineSpec } from '../../src/vmm/driver.js';
import { systemCallFilter } from '../../src/vmm/system-call-filter.js';
import { temporaryFolder } from '../support/gva.js';

// A shell script in the place of bubblewrap; test/vm/confinement.test.ts has the real one.

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let program: string;
beforeEach(async () => {
  folder = await temporaryFolder();
  vi.stubEnv('PATH', `${join(folder.path, 'path')}:/usr/bin:/bin`);
  vi.stubEnv('XDG_CACHE_HOME', join(folder.path, 'cache'));
  vi.stubEnv('GVA_SANDBOX', '');
  vi.stubEnv('LD_LIBRARY_PATH', '');
  program = await script('opt/bin/monitor', 'echo 1.0');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await folder[Symbol.asyncDispose]();
});

async function script(name: string, body: string): Promise<string> {
  const file = join(folder.path, name);
  await mkdir(join(file, '..'), { recursive: true });
  await writeFile(file, `#!/bin/sh\n${body}\n`);
  await chmod(file, 0o755);
  return file;
}

const bwrap = (body: string) =>
  script(
    'path/bwrap',
    `echo "$*" >>'${folder.path}/calls'\n${body}\nwhile [ "$1" != -- ]; do shift; done\nshift\nexec "$@"`,
  );

async function calls(): Promise<string[]> {
  return (await readFile(join(folder.path, 'calls'), 'utf8').catch(() => '')).split('\n').slice(0, -1);
}

const command = () => ({ program, args: ['-x'] });
const nothing = { readable: [], writable: [] };

describe('bubblewrap', () => {
  it('that works is tried once, and put around the command', async () => {
    await bwrap('');
    const inside = await confined(command(), nothing);
    expect(inside.program).toBe(join(folder.path, 'path/bwrap'));
    expect(inside.args.slice(-3)).toEqual(['--', program, '-x']);
    expect(await confined(command(), nothing)).toEqual(inside);
    expect(await calls()).toHaveLength(1);
    expect((await calls())[0]).toMatch(/ -- \S+monitor --version$/);
  });

  it.skipIf(!systemCallFilter())('that can filter system calls does so (x86-64)', async () => {
    await bwrap(`cat <&"$(echo "$*" | sed 's/.*--seccomp \\([0-9]*\\) .*/\\1/')" >'${folder.path}/filter'`);
    const found = await findConfinement(command());
    expect(found.works && found.filter).toEqual(systemCallFilter());
    expect(await readFile(join(folder.path, 'filter'))).toEqual(systemCallFilter());
  });

  it.skipIf(!systemCallFilter())(
    'on a kernel without filters of system calls does without (x86-64)',
    async () => {
      await bwrap(
        'case $* in *--seccomp*) echo "prctl(PR_SET_SECCOMP): Invalid argument" >&2; exit 1 ;; esac',
      );
      const found = await findConfinement(command());
      expect(found).toMatchObject({ works: true, filter: undefined });
      expect(await findConfinement(command())).toEqual(found);
      expect((await confined(command(), nothing)).args).not.toContain('--seccomp');
      expect(await calls()).toHaveLength(3);
    },
  );

  it('that is too old for the better options, or may not use them, does without', async () => {
    const [first, second] = process.getuid?.() === 0 ? ['', '--unshare-user'] : ['--unshare-user', ''];
    await bwrap(`[ $(wc -l <'${folder.path}/calls') = 1 ] && { echo unknown option >&2; exit 1; }`);
    const found = await findConfinement(command());
    expect(found).toMatchObject({ works: true, host: { options: second === '' ? [] : [second] } });
    expect((await calls())[0]).toContain(`--cap-drop ALL ${first}`.trim());
    expect(await findConfinement(command())).toEqual(found);
    expect(await calls()).toHaveLength(2);
  });

  it('that does not work is not used, for an hour', async () => {
    await bwrap('echo first >&2; echo "no namespaces" >&2; exit 1');
    expect(await confined(command(), nothing)).toEqual(command());
    expect(await confined(command(), nothing)).toEqual(command());
    expect(await calls()).toHaveLength(systemCallFilter() ? 4 : 2);
    expect(await findConfinement(command())).toEqual({
      ...{ works: false, reason: 'bubblewrap does not work here (no namespaces)' },
    });
    const probes = join(folder.path, 'cache/gva/probes');
    for (const name of await readdir(probes)) {
      if (!name.startsWith('sandbox-')) continue;
      const kept = JSON.parse(await readFile(join(probes, name), 'utf8')) as { at: number };
      await writeFile(join(probes, name), JSON.stringify({ ...kept, at: kept.at - 3601_000 }));
    }
    await bwrap('');
    expect(await findConfinement(command())).toMatchObject({ works: true });
  });

  it(
    'is not put in a lesser way for good where the better one took too long',
    { timeout: 90_000 },
    async () => {
      await bwrap(`[ $(wc -l <'${folder.path}/calls') = 1 ] && exec sleep 1000`);
      expect(await findConfinement(command())).toMatchObject({ works: true });
      expect(await calls()).toHaveLength(2);
      expect(await findConfinement(command())).toMatchObject({ works: true, filter: systemCallFilter() });
      expect(await calls()).toHaveLength(3);
    },
  );

  it('is tried again where asked to, or where another program is to be confined', async () => {
    await bwrap('');
    await findConfinement(command());
    await findConfinement(command(), true);
    expect(await calls()).toHaveLength(2);
    await findConfinement({ program: await script('opt/bin/other', 'echo 2.0') });
    expect(await calls()).toHaveLength(3);
  });

  it.each(['{', '{"mode":7,"at":0}', '{"mode":"0"}', 'null', '{"options":["--bind","/","/"],"at":0}'])(
    'is tried again where what was kept is %s',
    async (text) => {
      await bwrap('');
      await findConfinement(command());
      const probes = join(folder.path, 'cache/gva/probes');
      for (const name of await readdir(probes))
        if (name.startsWith('sandbox-')) await writeFile(join(probes, name), text);
      expect(await findConfinement(command())).toMatchObject({ works: true });
      expect(await calls()).toHaveLength(2);
    },
  );

  it('needs no folder to keep the answer in', async () => {
    await bwrap('');
    vi.stubEnv('XDG_CACHE_HOME', '/proc/nowhere');
    expect(await findConfinement(command())).toMatchObject({ works: true });
  });

  it('does not confine a program that it hides the half of', async () => {
    await bwrap('');
    program = await script('opt/bin/monitor', 'exit 1');
    expect(await confined(command(), nothing)).toEqual(command());
  });
});

describe('what a program needs', () => {
  it('is beside it, wherever links lead, and where its libraries are looked for', async () => {
    await bwrap('');
    const link = join(folder.path, 'path/monitor');
    await symlink(program, link);
    const env = { LD_LIBRARY_PATH: `/opt/libs/:relative::/:${process.env['HOME'] ?? '/root'}` };
    const found = await findConfinement({ program: link, env });
    expect(found.works && found.host.programFiles).toEqual([
      program,
      ...['lib', 'lib64', 'share/qemu', 'share/seabios'].map((name) => join(folder.path, 'opt', name)),
      '/opt/libs',
    ]);
  });

  it('is there already where it is installed in the system', async () => {
    await bwrap('');
    const found = await findConfinement({ program: '/bin/sleep' });
    expect(found).toMatchObject({
      works: true,
      host: { program: expect.stringMatching(/sleep$/) as string },
    });
    expect(found.works && found.host.programFiles).toEqual([]);
  });
});

describe('GVA_SANDBOX', () => {
  it('off leaves a command as it is', async () => {
    await bwrap('');
    vi.stubEnv('GVA_SANDBOX', 'off');
    expect(await confined(command(), nothing)).toEqual(command());
    expect(await calls()).toEqual([]);
  });

  it('required starts nothing without', async () => {
    vi.stubEnv('GVA_SANDBOX', 'required');
    await bwrap('echo "no namespaces" >&2; exit 1');
    await expect(confined(command(), nothing)).rejects.toMatchObject({
      code: 'SANDBOX_MISSING',
      message: 'GVA_SANDBOX says required, but bubblewrap does not work here (no namespaces)',
    });
    vi.stubEnv('GVA_SANDBOX', 'auto');
    expect(await confined(command(), nothing)).toEqual(command());
  });

  it('may say nothing else', () => {
    expect(sandboxSetting()).toBe('auto');
    vi.stubEnv('GVA_SANDBOX', 'on');
    expect(() => sandboxSetting()).toThrow('GVA_SANDBOX says "on"');
  });
});

it('a machine reads its images and writes its overlays and its own disks', () => {
  const spec: MachineSpec = {
    ...{ id: 'x', cpus: 1, memory: 1, folders: { uml: '/s/uml', hostfs: '/s/hostfs' } },
    boot: { kind: 'direct', kernel: '/b/vmlinux', initrd: '/b/initrd' },
    disks: [
      { id: 'root', image: '/b/root.img', size: 1, access: 'overlay', overlay: '/s/root.overlay' },
      { id: 'output', image: '/s/output.img', size: 1, access: 'read-write' },
      { id: 'cdrom', image: '/s/params.iso', size: 1, access: 'read-only' },
    ],
  };
  expect(machineReach(spec)).toEqual({
    readable: ['/b/vmlinux', '/b/initrd', '/b/root.img', '/s/params.iso'],
    writable: ['/s/output.img', '/s/root.overlay'],
  });
  const boot = { kind: 'firmware', firmware: 'uefi', variables: '/s/vars' } as const;
  expect(machineReach({ ...spec, boot, disks: [] })).toEqual({ readable: [], writable: ['/s/vars'] });
});
