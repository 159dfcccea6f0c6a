import { mkdir, readFile, readdir, readlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadAppliance } from '../../src/appliance/load.js';
import { loadDirectBase } from '../../src/base/store.js';
import { runInstance } from '../../src/instance/run.js';
import { prepareAppliance } from '../../src/instance/prepare.js';
import type { MachineSpec, MachineType, VmmDriver } from '../../src/vmm/driver.js';
import { parseCpuList } from '../../src/vmm/placement.js';
import { QemuDriver } from '../../src/vmm/qemu/driver.js';
import { carriedQemu } from '../support/guest-kernel.js';
import { gva, processesWith, readResult, temporaryFolder, writeAppliance } from '../support/gva.js';
import { requireTool } from '../support/tools.js';

async function qemuDriver(folder?: string): Promise<QemuDriver> {
  const base = await loadDirectBase('micro');
  return new QemuDriver({ probeKernel: join(base.folder, base.files.kernel.name), folder });
}

describe('an instance', () => {
  it.each(['q35', 'pc'] as const)('runs on a %s', async (machine) => {
    await using folder = await temporaryFolder();
    const driver = onMachine(await qemuDriver(), machine);
    const probe = await driver.probe();
    if (!probe.available) throw new Error(probe.reason);
    const appliance = await writeAppliance(join(folder.path, 'a'), { job: 'echo "$1" >out', yaml });
    const out = join(folder.path, 'out');
    const result = await runInstance(
      {
        ...{
          id: `on-${machine}`,
          parameters: { n: 5 },
          files: [],
          out,
          force: false,
          keep: 'files' as const,
          keepDisks: false,
        },
        prepared: await prepareAppliance(await loadAppliance(appliance), await loadDirectBase('micro')),
        limits: { boot: 120, total: 240, powerOff: 30 },
      },
      { driver, probe },
      () => undefined,
      new AbortController().signal,
    );
    expect(result.message).toBeUndefined();
    expect(result.state).toBe('done');
    expect(await readFile(join(out, 'output/out'), 'utf8')).toBe('5\n');
  });

  const yaml = 'parameters:\n  n: { type: int }\n';

  it("runs in the user's own QEMU", async () => {
    await using folder = await temporaryFolder();
    const own = await carriedQemu(requireTool('qemu-system-x86_64'), join(folder.path, 'own qemu'));
    const appliance = await writeAppliance(join(folder.path, 'a'), { job: 'true' });
    const out = join(folder.path, 'out');
    const options = ['--vmm', 'qemu', '--qemu', own, '--out', out];
    const { code, stderr } = await gva(['run', appliance, ...options]);
    expect(code, stderr).toBe(0);
    expect(await readResult(out)).toMatchObject({ state: 'done', vmm: { name: 'qemu' } });
    const missing = await gva(['run', appliance, '--vmm', 'qemu', '--qemu', folder.path, '--out', out]);
    expect(missing).toMatchObject({ code: 2, stdout: '' });
    expect(missing.stderr).toContain(`there is no qemu-system-x86_64 in ${folder.path}`);
  });
});

/** The driver, with another machine than it would take. */
const onMachine = (driver: QemuDriver, machine: MachineType): VmmDriver => ({
  ...{ name: driver.name, capabilities: driver.capabilities, probe: () => driver.probe() },
  start: (spec) => driver.start({ ...spec, hardware: { machine } }),
});

/** A machine whose firmware finds nothing to boot: it runs, and does nothing. */
async function idleMachine(folder: string, more: Partial<MachineSpec> = {}) {
  const image = join(folder, 'empty.img');
  await writeFile(image, '');
  await truncate(image, 1 << 20);
  await mkdir(join(folder, 'uml'), { recursive: true });
  return (await qemuDriver()).start({
    ...{ id: 'idle', cpus: 1, memory: 64 << 20, boot: { kind: 'firmware', firmware: 'bios' } },
    disks: [{ id: 'root', image, size: 1 << 20, access: 'read-write' }],
    folders: { uml: join(folder, 'uml'), hostfs: join(folder, 'uml') },
    ...more,
  });
}

describe("QEMU's monitor", () => {
  it('answers, refuses, and tells of events', async () => {
    await using folder = await temporaryFolder();
    await using machine = await idleMachine(folder.path);
    const { qmp } = machine;
    expect(await qmp.execute('query-status')).toMatchObject({ status: 'running' });
    const stopped = qmp.event('STOP');
    await qmp.execute('stop');
    expect(await stopped).toMatchObject({ name: 'STOP' });
    await expect(qmp.execute('eject', { id: 'none' })).rejects.toMatchObject({
      code: 'QMP_REFUSED',
      message: expect.stringContaining('(DeviceNotFound)') as string,
    });
    await qmp.execute('quit');
    expect(await machine.exited).toMatchObject({ status: 0, reason: 'host-qmp-quit' });
  });

  it('hangs nobody while QEMU is stopped', async () => {
    await using folder = await temporaryFolder();
    await using machine = await idleMachine(folder.path);
    await machine.qmp.execute('query-status');
    const pid = await qemuProcess(join(folder.path, 'empty.img'));
    process.kill(pid, 'SIGSTOP');
    const wait = machine.qmp.execute('query-status', {}, { timeout: 100 });
    await expect(wait).rejects.toMatchObject({ code: 'QMP_TIMEOUT' });
    process.kill(pid, 'SIGCONT');
    expect(await machine.qmp.execute('query-status')).toMatchObject({ status: 'running' });
    process.kill(pid, 'SIGSTOP');
    await machine.shutdown(50);
    expect((await machine.exited).status).toBe(137);
  });

  it('ends a guest that does not heed its power button', async () => {
    await using folder = await temporaryFolder();
    await using machine = await idleMachine(folder.path);
    await machine.shutdown(200);
    expect(await machine.exited).toEqual({ status: 0, stderr: '', reason: 'host-qmp-quit' });
  });
});

it('all threads of a machine stay on the CPUs it was given', async () => {
  await using folder = await temporaryFolder();
  const [cpu = 0] = await allowedCpus('self');
  await using machine = await idleMachine(folder.path, { cpus: 2, placement: { hostCpus: [cpu] } });
  expect(await machine.qmp.execute('query-cpus-fast')).toHaveLength(2);
  const pid = await qemuProcess(join(folder.path, 'empty.img'));
  const threads = await readdir(`/proc/${pid}/task`);
  expect(threads.length).toBeGreaterThan(2);
  for (const thread of threads) expect(await allowedCpus(thread)).toEqual([cpu]);
});

/** QEMU itself; bubblewrap around it has its command line in its own. */
async function qemuProcess(text: string): Promise<number> {
  for (const pid of await processesWith(text))
    if ((await readlink(`/proc/${pid}/exe`)).includes('qemu')) return pid;
  throw new Error('QEMU does not run');
}

async function allowedCpus(process: string): Promise<number[]> {
  const status = await readFile(`/proc/${process}/status`, 'utf8');
  return [...parseCpuList(/^Cpus_allowed_list:\s*(\S+)/m.exec(status)?.[1] ?? '')];
}
