import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DirectBase, loadDirectBase } from '../../src/base/store.js';
import { type Disk, type Hardware, type MachineSpec, controllers } from '../../src/vmm/driver.js';
import { qemuArguments } from '../../src/vmm/qemu/arguments.js';
import { QemuDriver } from '../../src/vmm/qemu/driver.js';
import { QemuMachine } from '../../src/vmm/qemu/qemu-machine.js';
import { startSupervised } from '../../src/vmm/supervisor.js';
import { temporaryFolder } from '../support/gva.js';
import { type GuestKernel, guestKernel } from '../support/guest-kernel.js';
import { requireTool } from '../support/tools.js';

// Disks behind every controller that a machine may have. To see one alone: -t 'NAME'

let base: DirectBase;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let kernel: GuestKernel;
let disks: Disk[];

beforeAll(async () => {
  base = await loadDirectBase('micro');
  folder = await temporaryFolder();
  kernel = await guestKernel(base, folder.path, listDisks, [
    ...['virtio_pci', 'virtio_blk', 'virtio_scsi', 'nvme', 'ata_piix', 'vmw_pvscsi', 'sd_mod', 'sr_mod'],
  ]);
  const image = async (name: string, size: number) => {
    const file = join(folder.path, name);
    await writeFile(file, '');
    await truncate(file, size);
    return { image: file, size };
  };
  disks = [
    { id: 'root', ...(await image('root.img', 1 << 20)), access: 'read-write' },
    { id: 'app', ...(await image('app.img', 2 << 20)), access: 'read-only' },
    { id: 'cdrom', ...(await image('cd.iso', 3 << 20)), access: 'read-only' },
  ];
});
afterAll(() => folder[Symbol.asyncDispose]());

/** Waits for three: some buses are looked over in the background. */
const listDisks = `
disks() { ls -d /sys/block/[sv]d? /sys/block/sr? /sys/block/nvme?n1 2>/dev/null; }
tries=0
while set -- $(disks) && [ $# -lt 3 ] && [ $tries -lt 100 ]; do sleep 0.1; tries=$((tries + 1)); done
for disk; do echo "$(cat $disk/size) $(cat $disk/ro) \${disk##*/}" >&3; done`;

const spec = (hardware: Hardware): MachineSpec => ({
  id: 'controllers',
  ...{ cpus: 1, memory: 256 << 20, disks, hardware, folders: { uml: '', hostfs: '' } },
  boot: { kind: 'direct', kernel: join(base.folder, base.files.kernel.name), initrd: kernel.initrd },
});

// Linux names disks in the order in which it happens to find them.
// The NVMe of QEMU 7.2 does not tell its guest that a disk is read-only; writing to it fails all the same.
describe('a guest sees its disks, which of them it may write, and its CD', () => {
  it.each([
    [{ controller: 'virtio-blk', cdDrive: 'scsi-cd' }, ['2048 0 vd.', '4096 1 vd.', '6144 1 sr0']],
    [{ controller: 'virtio-scsi', cdDrive: 'scsi-cd' }, ['2048 0 sd.', '4096 1 sd.', '6144 1 sr0']],
    [{ controller: 'nvme' }, ['2048 0 nvme.n1', '4096 [01] nvme.n1', '6144 [01] nvme.n1']],
    [{ controller: 'pvscsi' }, ['2048 0 sd.', '4096 1 sd.', '6144 1 sd.']],
    [
      { machine: 'pc', controller: 'virtio-blk', cdDrive: 'ide-cd' },
      ['2048 0 vd.', '4096 1 vd.', '6144 1 sr0'],
    ],
  ] as const)('%j', async (hardware, expected) => {
    const driver = new QemuDriver({ probeKernel: join(base.folder, base.files.kernel.name) });
    await using machine = await driver.start(spec(hardware));
    const limit = setTimeout(() => machine.kill(), 120_000);
    const seen: string[] = [];
    for await (const line of machine.lines) seen.push(/\d+ [01] \w+$/.exec(line)?.[0] ?? '');
    clearTimeout(limit);
    const said = machine.console.lastLines(5).join('\n');
    expect(await machine.exited, said).toEqual({ status: 0, stderr: '', reason: 'guest-shutdown' });
    expect(seen.filter(Boolean).sort()).toEqual(
      [...expected].sort().map((pattern) => expect.stringMatching(`^${pattern}$`) as string),
    );
  });
});

describe('QEMU makes the machine, whatever drivers a guest may have', () => {
  const machines = ['q35', 'pc', 'microvm'] as const;
  const all = machines.flatMap((machine) =>
    controllers
      .filter((controller) => controller !== 'ide' || machine === 'pc')
      .flatMap((controller) =>
        [undefined, 'scsi-cd' as const, 'ide-cd' as const].map((cdDrive) => ({
          machine,
          controller,
          cdDrive,
        })),
      ),
  );

  it.each(all)('$machine, $controller, $cdDrive', async ({ machine: type, controller, cdDrive }) => {
    const hardware = { machine: type, controller, ...(cdDrive === undefined ? {} : { cdDrive }) };
    const host = { accelerator: 'kvm', sandbox: true, dataFolders: [] } as const;
    // Nothing is run, so that emulation will do where the machine itself would need more.
    const args = qemuArguments(spec(hardware), host).map((word) => emulated[word] ?? word);
    const program = requireTool('qemu-system-x86_64');
    await using machine = new QemuMachine(
      await startSupervised({ program, args: [...args, '-S'], sockets: 1 }),
    );
    const blocks = (await machine.qmp.execute('query-block').catch(async (error: unknown) => {
      throw new Error((await machine.exited).stderr, { cause: error });
    })) as { device: string; qdev?: string; inserted: { file: string; ro: boolean } }[];
    const drives = blocks.filter(({ qdev }) => qdev !== undefined);
    expect(drives.map(({ device, inserted }) => [device, inserted.file, inserted.ro])).toEqual(
      disks.map(({ id, image, access }) => [id, image, access === 'read-only']),
    );
    await machine.qmp.execute('quit');
    expect(await machine.exited).toEqual({ status: 0, stderr: '', reason: 'host-qmp-quit' });
  });
});

const emulated: Readonly<Record<string, string>> = { kvm: 'tcg', host: 'max,-erms' };
