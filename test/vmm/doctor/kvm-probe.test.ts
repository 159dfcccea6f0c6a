import { chmod, mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { kvmDevice, virtualisationExtension } from '../../../src/vmm/qemu/kvm-device.js';
import { probeKvm } from '../../../src/vmm/qemu/kvm-probe.js';
import { type TestHome, makeTestHome } from '../../support/fake-appliance.js';
import { noneLeft } from '../../support/gva.js';

// Shell scripts in the place of QEMU; each notes that it was started.

let home: TestHome;
let program: string;
let kernel: string;
beforeEach(async () => {
  home = await makeTestHome();
  program = join(home.folder, 'qemu');
  kernel = join(home.folder, 'vmlinux');
  await writeFile(kernel, 'kernel');
});
afterEach(() => home[Symbol.asyncDispose]());

async function writeProgram(script: string): Promise<void> {
  await writeFile(program, `#!/bin/sh\necho started >>'${home.folder}/starts'\n${script}\n`);
  await chmod(program, 0o755);
}

async function starts(): Promise<number> {
  const text = await readFile(join(home.folder, 'starts'), 'utf8').catch(() => '');
  return text.split('\n').length - 1;
}

const works =
  'echo "Kernel panic: VFS: Unable to mount root fs on unknown-block(0,0)" >&4; exec sleep 1000.5';

it('finds that KVM works, once', async () => {
  await writeProgram(works);
  expect(await probeKvm(program, kernel)).toEqual({ verdict: 'works', said: [] });
  expect(await probeKvm(program, kernel)).toEqual({ verdict: 'works', said: [] });
  expect(await starts()).toBe(1);
});

it('kills a guest that hangs within its limit, once, and leaves no process', async () => {
  await writeProgram('echo "Booting the kernel." >&4; sleep 1000.25 & sleep 1000.25');
  const begin = performance.now();
  const answer = await probeKvm(program, kernel, { limitMs: 1000 });
  expect(performance.now() - begin).toBeLessThan(30_000);
  expect(answer).toEqual({ verdict: 'hangs', said: ['Booting the kernel.'] });
  await noneLeft('1000.25');
  expect(await probeKvm(program, kernel)).toEqual(answer);
  expect(await starts()).toBe(1);
});

it('tells a refusal from a hang', async () => {
  await writeProgram('echo "failed to set MSR 0x10a" >&2; exit 1');
  const answer = await probeKvm(program, kernel);
  expect(answer).toEqual({ verdict: 'refused', said: ['failed to set MSR 0x10a'] });
  expect(await probeKvm(program, kernel)).toEqual(answer);
  expect(await starts()).toBe(1);
});

it('a refusal is not believed for ever', async () => {
  await writeProgram('exit 1');
  await probeKvm(program, kernel);
  const [name = ''] = (await readdir(probes())).filter((each) => each.startsWith('kvm-'));
  await writeFile(join(probes(), name), JSON.stringify({ verdict: 'refused', said: [], at: 0 }));
  await probeKvm(program, kernel);
  expect(await starts()).toBe(2);
});

it('tries again where the program, the kernel or the wish is new', async () => {
  await writeProgram(works);
  await probeKvm(program, kernel);
  await writeProgram(`${works} # another binary`);
  await probeKvm(program, kernel);
  expect(await starts()).toBe(2);
  await writeFile(kernel, 'another');
  await probeKvm(program, kernel);
  expect(await starts()).toBe(3);
  await probeKvm(program, kernel, { fresh: true });
  expect(await starts()).toBe(4);
  await probeKvm(program, kernel);
  expect(await starts()).toBe(4);
});

it('tries again where what was kept cannot be read', async () => {
  await writeProgram(works);
  await probeKvm(program, kernel);
  for (const rubbish of ['', '{', 'null', '{"verdict":"maybe","said":[]}', '{"verdict":"works"}']) {
    for (const name of await readdir(probes()))
      if (name.startsWith('kvm-')) await writeFile(join(probes(), name), rubbish);
    expect(await probeKvm(program, kernel)).toMatchObject({ verdict: 'works' });
  }
  expect(await starts()).toBe(6);
});

it('is tried by one of several that ask at the same moment', async () => {
  await writeProgram(`sleep 0.3; ${works}`);
  const answers = await Promise.all(Array.from({ length: 4 }, () => probeKvm(program, kernel)));
  expect(answers.map(({ verdict }) => verdict)).toEqual(['works', 'works', 'works', 'works']);
  expect(await starts()).toBe(1);
  expect((await readdir(probes())).filter((name) => name.includes('lock'))).toEqual([]);
});

it('needs no cache', async () => {
  await writeProgram(works);
  await writeFile(join(home.folder, 'cache'), 'a file in the way');
  expect(await probeKvm(program, kernel)).toEqual({ verdict: 'works', said: [] });
});

const probes = () => join(home.folder, 'cache/gva/probes');

it('a device is usable where it opens', async () => {
  expect(await kvmDevice(kernel)).toEqual({ usable: true });
  expect(await kvmDevice(join(home.folder, 'none'))).toMatchObject({ usable: false, state: 'missing' });
  await mkdir(join(home.folder, 'folder'));
  expect(await kvmDevice(join(home.folder, 'folder'))).toMatchObject({
    usable: false,
    state: 'refused',
    reason: expect.stringContaining('EISDIR') as string,
  });
});

it('knows the extensions of CPUs', () => {
  expect(virtualisationExtension('processor\t: 0\nflags\t\t: fpu vmx sse\n')).toBe('vmx');
  expect(virtualisationExtension('flags\t\t: fpu svm')).toBe('svm');
  expect(virtualisationExtension('flags\t\t: fpu svm_lock avmx\nbugs: vmx')).toBeNull();
  expect(virtualisationExtension('')).toBeNull();
});
