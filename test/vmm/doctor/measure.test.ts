import { chmod, mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Base } from '../../../src/base/store.js';
import { makeExt4 } from '../../../src/disk/ext4-image.js';
import { type MeasureOptions, measure } from '../../../src/vmm/doctor/measure.js';
import { type TestHome, fakeBase, makeTestHome } from '../../support/fake-appliance.js';
import { noneLeft } from '../../support/gva.js';

// Shell scripts in the place of QEMU, User-mode Linux and the base's busybox.

let home: TestHome;
let base: Base;
beforeEach(async () => {
  home = await makeTestHome();
  base = await writeBase(answers(100));
  await writeQemu(qemu(answers(10)));
  await writeScript('linux.uml', `[ "$1" = --version ] && { echo 6.1.1; exit; }\n${answers(90)}\nexit 0`);
  vi.stubEnv('GVA_UML_KERNEL', join(home.folder, 'linux.uml'));
  // The scripts tell of themselves in files.
  vi.stubEnv('GVA_SANDBOX', 'off');
});
afterEach(() => home[Symbol.asyncDispose]());

function answers(speed: number): string {
  const tests = ['integer', 'float', 'syscall', 'fork'].map(
    (test) => `echo '@doctor1 speed test=${test} count=${speed} cs=100' >&4\n`,
  );
  return `echo '@doctor1 start' >&4\n${tests.join('')}echo '@doctor1 end' >&4\n`;
}

/** Under KVM, where that is tried, the kernel alone gets to its panic. */
function qemu(guest: string): string {
  return `[ "$1" = --version ] && { echo 'QEMU emulator version 8.1.2'; exit; }
echo started >>'${home.folder}/starts'
case "$*" in *-initrd*) ;; *) echo 'Unable to mount root fs' >&4; exit ;; esac
${guest}
sleep 1000.75`;
}

async function writeScript(name: string, script: string): Promise<void> {
  await writeFile(join(home.folder, name), `#!/bin/sh\n${script}\n`);
  await chmod(join(home.folder, name), 0o755);
}

const writeQemu = (script: string) => writeScript('qemu-system-x86_64', script);

async function writeBase(busybox: string, name = 'base'): Promise<Base> {
  const folder = join(home.folder, name);
  await mkdir(join(folder, 'root/bin'), { recursive: true });
  await writeFile(join(folder, 'root/bin/busybox'), `#!/bin/sh\n${busybox}`);
  await makeExt4(join(folder, 'root.img'), { label: 'ROOT', size: 4 << 20, from: join(folder, 'root') });
  await writeFile(join(folder, 'vmlinux'), '');
  return { ...fakeBase(), folder, umlRelease: '6.1.1' };
}

async function starts(): Promise<number> {
  return (await readFile(join(home.folder, 'starts'), 'utf8').catch(() => '')).split('\n').length - 1;
}

function run(options: Partial<MeasureOptions> = {}) {
  return measure({ ...{ base, qemu: home.folder, fresh: false, say: () => undefined }, ...options });
}

const named = (found: Awaited<ReturnType<typeof run>>, accelerator: string) =>
  found.measurements.vmms.find((each) => each.accelerator === accelerator);

describe('measuring', () => {
  it('compares every monitor with the host', async () => {
    const steps: string[] = [];
    const found = await run({ say: (step) => steps.push(step) });
    expect(found.fromCache).toBe(false);
    expect(found.measurements.native).toEqual({ integer: 100, float: 100, syscall: 100, fork: 100 });
    expect(named(found, 'tcg')).toMatchObject({
      ...{ vmm: 'qemu', verdict: 'works', version: '8.1.2', reason: null, hint: null, said: [] },
      relative: { integer: 0.1, float: 0.1, syscall: 0.1, fork: 0.1 },
    });
    expect(named(found, 'native')).toMatchObject({
      ...{ vmm: 'uml', verdict: 'works', version: '6.1.1' },
      relative: { integer: 0.9 },
    });
    expect(steps[0]).toBe('this host itself');
    expect(await readdir(home.scratch)).toEqual([]);
    await noneLeft('1000.75');
  });

  it('is done once, until something changes', async () => {
    const first = await run();
    const before = await starts();
    expect(await run()).toEqual({ measurements: first.measurements, fromCache: true });
    expect(await starts()).toBe(before);
    expect((await run({ fresh: true })).fromCache).toBe(false);
    expect((await run()).fromCache).toBe(true);

    await writeQemu(qemu(answers(20)));
    const other = await run();
    expect(other.fromCache).toBe(false);
    expect(named(other, 'tcg')?.relative?.integer).toBe(0.2);
    expect((await run({ base: { ...base, digest: 'another' } })).fromCache).toBe(false);
  });

  it('is done again where what was kept cannot be read', async () => {
    await run();
    const probes = join(home.folder, 'cache/gva/probes');
    for (const name of await readdir(probes))
      if (name.startsWith('doctor-')) await writeFile(join(probes, name), '{"format":"gva-measurements/9"}');
    expect((await run()).fromCache).toBe(false);
  });

  it('tells what hangs from what gives up, and tries both again the next time', async () => {
    await writeQemu(qemu('echo "out of memory" >&2; exit 7'));
    await writeScript('linux.uml', '[ "$1" = --version ] && { echo 6.1.1; exit; }\nsleep 1000.75');
    const found = await run({ limits: { boot: 1500, tests: 1500 } });
    expect(named(found, 'tcg')).toMatchObject({
      verdict: 'refused',
      said: ['out of memory'],
      relative: null,
    });
    expect(named(found, 'native')).toMatchObject({ verdict: 'hangs', relative: null });
    await noneLeft('1000.75');
    expect((await run({ limits: { boot: 1500, tests: 1500 } })).fromCache).toBe(false);
  });

  it('tells of a kernel that the base has no modules for', async () => {
    const found = await run({ base: { ...base, umlRelease: '5.0' } });
    expect(named(found, 'native')).toMatchObject({
      verdict: 'refused',
      reason: 'it works, but the base has modules for 5.0',
      hint: 'gva base build micro --force',
    });
  });

  it('does without the speed of the host where its program does not run there', async () => {
    base = await writeBase('exit 1', 'other-base');
    const found = await run();
    expect(found.measurements.native).toBeNull();
    expect(named(found, 'tcg')).toMatchObject({ verdict: 'works', relative: null, speeds: { integer: 10 } });
  });
});

describe('without', () => {
  it('a base, nothing is tried, and what is known is said', async () => {
    const found = await run({ base: undefined });
    expect(found.measurements.native).toBeNull();
    expect(named(found, 'tcg')).toMatchObject({ verdict: 'untried', version: '8.1.2' });
    expect(named(found, 'native')).toMatchObject({ verdict: 'untried', version: '6.1.1' });
    expect(await starts()).toBe(0);
  });

  it('programs, they are missing, with the command that installs them', async () => {
    vi.stubEnv('PATH', home.folder);
    vi.stubEnv('GVA_UML_KERNEL', '/nonexistent/linux');
    const found = await run();
    expect(named(found, 'native')).toMatchObject({
      ...{ verdict: 'missing', program: null, version: null },
      hint: expect.stringContaining('apt-get install --no-install-recommends user-mode-linux') as string,
    });
    const empty = await run({ qemu: join(home.folder, 'base') });
    expect(named(empty, 'tcg')).toMatchObject({ verdict: 'refused' });
  });

  it('room for the files, nothing is tried', async () => {
    vi.stubEnv('GVA_SCRATCH', join(home.folder, 'none'));
    expect(named(await run(), 'tcg')).toMatchObject({
      verdict: 'untried',
      reason: expect.stringContaining('could not be tried') as string,
    });
  });

  it('a base that has what it should', async () => {
    await writeFile(join(base.folder, 'root.img'), Buffer.alloc(4 << 20));
    expect(named(await run(), 'tcg')).toMatchObject({ verdict: 'untried' });
  });

  it('a version that makes sense', async () => {
    await writeScript('linux.uml', 'echo rubbish');
    await writeQemu("echo 'QEMU emulator version 2.11.1'");
    const found = await run();
    expect(named(found, 'native')).toMatchObject({ verdict: 'refused', hint: expect.any(String) as string });
    expect(named(found, 'tcg')).toMatchObject({ verdict: 'refused', reason: '7.2 or newer is needed' });
  });
});
