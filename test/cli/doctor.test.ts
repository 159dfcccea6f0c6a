import { symlink, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { doctorText } from '../../src/cli/doctor-view.js';
import type { DoctorReport, VmmFinding } from '../../src/model/doctor.js';
import { findProgram } from '../../src/system/process.js';
import { gva, temporaryFolder } from '../support/gva.js';

// Nothing here boots: there is no base image to boot with.

async function doctor(
  args: readonly string[] = [],
  env: Record<string, string> = {},
  programs: string[] = [],
) {
  await using folder = await temporaryFolder();
  const bin = join(folder.path, 'bin');
  await mkdir(bin);
  for (const name of programs) await symlink((await findProgram(name)) ?? name, join(bin, name));
  const home = { XDG_DATA_HOME: join(folder.path, 'data'), XDG_CACHE_HOME: join(folder.path, 'cache') };
  const outcome = await gva(['doctor', ...args], { ...home, PATH: bin, ...env }, folder.path);
  return {
    ...outcome,
    stdout: outcome.stdout.replaceAll(folder.path, 'DIR'),
    stderr: outcome.stderr.replaceAll(folder.path, 'DIR'),
  };
}

describe('gva doctor where nothing is installed', () => {
  const empty = { GVA_UML_KERNEL: '/nonexistent/linux.uml' };

  it('says what is missing and how to get it, with exit status 69', async () => {
    const { code, stdout, stderr } = await doctor([], empty);
    expect(code, stderr).toBe(69);
    expect(stderr).toBe('');
    expect(stdout).toMatch(/✗ QEMU, TCG +missing: qemu-system-x86_64 is not installed/);
    expect(stdout.match(/sudo apt-get install --no-install-recommends qemu-system-x86\n/g)).toHaveLength(1);
    expect(stdout).toContain('gva base build micro\n');
    expect(stdout).not.toContain('\x1b');
  });

  it('prints one JSON document with --json', async () => {
    const { code, stdout } = await doctor(['--json'], empty);
    expect(code).toBe(69);
    const report = JSON.parse(stdout) as DoctorReport;
    expect(report).toMatchObject({
      ...{ format: 'gva-doctor/1', fromCache: false, auto: null, native: null, bases: [] },
    });
    expect(Object.keys(report)).toEqual([
      ...['format', 'gva', 'measuredAt', 'fromCache', 'auto', 'native', 'vmms'],
      ...['host', 'folders', 'limits', 'tools', 'bases', 'advice'],
    ]);
    for (const finding of report.vmms) expect(finding).toMatchObject({ verdict: 'missing', program: null });
  });

  it('works as a user who may write nowhere', async () => {
    const nowhere = { XDG_CACHE_HOME: '/proc/gva', XDG_DATA_HOME: '/proc/gva', GVA_SCRATCH: '/proc' };
    const { code, stdout, stderr } = await doctor([], { ...empty, ...nowhere });
    expect(code, stderr).toBe(69);
    // Root may write everywhere; there is only no room.
    expect(stdout).toMatch(
      /\/proc\/gva\/gva \(cache\) cannot be written to|only 0 B are free in \/proc\/gva\/gva/,
    );
  });
});

it('gva doctor without a base says what it knows, and that guests cannot be tried', async () => {
  const { code, stdout, stderr } = await doctor([], {}, ['qemu-system-x86_64', 'linux.uml']);
  expect(code, stderr).toBe(69);
  expect(stdout).toMatch(/\? QEMU, TCG \d\S+ +untried: it cannot be tried without a base image/);
  expect(stdout).toMatch(/there is no base image, so no guest can be started\n +gva base build micro/);
});

it('gva doctor takes no arguments', async () => {
  expect(await doctor(['everything'])).toMatchObject({ code: 2, stdout: '' });
});

describe('the report for people', () => {
  const vmm: VmmFinding = {
    ...{ vmm: 'qemu', accelerator: 'tcg', verdict: 'works', program: '/q', version: '9.0.1' },
    ...{ reason: null, hint: null, said: [], bootSeconds: 1.234, speeds: {} },
    relative: { integer: 0.0666, float: 1.02, fork: 0.5 },
  };
  const report: DoctorReport = {
    ...{ format: 'gva-doctor/1', gva: '1.2.3', measuredAt: '2030-01-02T03:04:05.678Z', fromCache: true },
    auto: { vmm: 'qemu', accelerator: 'tcg' },
    native: { integer: 1234567, float: 4321, syscall: 12 },
    vmms: [vmm],
    host: {
      ...{ platform: 'linux', arch: 'x64', kernel: '6.1', cpu: 'CPU', cpus: { usable: 2, all: 8 } },
      memory: { total: 2 ** 31, free: 2 ** 30, limit: 2 ** 30 },
      ...{ virtualisation: null, userNamespaces: true, bubblewrap: null },
      sandbox: { setting: 'auto', confined: [], filtered: [], reason: 'bubblewrap is not installed' },
    },
    folders: [{ use: 'cache', path: '/c', free: 5 << 27, fileSystem: 'ext4', writable: true }],
    limits: null,
    tools: [{ name: 'mke2fs', neededFor: 'run', path: null, version: null }],
    bases: [],
    advice: [{ problem: 'bad', hint: 'do better' }],
  };

  it('has a row for each monitor', () => {
    const lines = doctorText(report).split('\n');
    expect(lines).toContain('gva 1.2.3 on linux 6.1 (x64), CPU, 2 of 8 CPUs');
    expect(lines).toContain('memory 2 GiB, 1 GiB free, at most 1 GiB for this job');
    expect(lines).toContain('    this host itself'.padEnd(38) + '  1.23 M/s  4.32 k/s     12 /s         -');
    expect(lines).toContain(
      '  ✓ QEMU, TCG 9.0.1'.padEnd(28) + '    1.23 s     6.7 %     102 %         -      50 %',
    );
    expect(lines).toContain('  --vmm auto takes qemu (tcg)');
    expect(lines.slice(-4)).toEqual(['What would help', '  bad', '    do better', '']);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  it.each([
    [{ setting: 'off', confined: [], filtered: [], reason: null }, 'off (GVA_SANDBOX=off)'],
    [
      { setting: 'auto', confined: ['qemu', 'uml'], filtered: ['qemu', 'uml'], reason: null },
      'bubblewrap and a filter of system calls around every machine',
    ],
    [{ setting: 'auto', confined: ['uml'], filtered: [], reason: 'no' }, 'bubblewrap around uml only: no'],
    [
      { setting: 'required', confined: ['uml'], filtered: [], reason: null },
      'bubblewrap around every machine, required',
    ],
    [
      { setting: 'auto', confined: [], filtered: [], reason: 'it fails' },
      'none: it fails; user namespaces usable',
    ],
  ] as const)('says what confines machines: %j', (sandbox, text) => {
    const lines = doctorText({ ...report, host: { ...report.host, sandbox } }).split('\n');
    expect(lines).toContain(`  sandbox   ${text}`);
  });

  it('shows nothing of a machine that could write to the terminal', () => {
    const said = ['\x1b]0;title\x07\x1b[2J'];
    const text = doctorText({
      ...report,
      vmms: [{ ...vmm, verdict: 'refused', version: '1\x1b[31m', reason: 'r\r\b', said }],
    });
    // eslint-disable-next-line no-control-regex -- the point
    expect(text).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
  });
});
