import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packedDefaults, parameterFiles } from '../../src/appliance/parameter-files.js';
import { type DirectBase, loadDirectBase } from '../../src/base/store.js';
import { openExt4 } from '../../src/disk/ext4/index.js';
import { extractTree } from '../../src/disk/extract.js';
import { isoBytes } from '../../src/disk/iso9660/index.js';
import type { MediumEntry } from '../../src/disk/medium-entry.js';
import { createOverlay } from '../../src/disk/qcow2/overlay.js';
import { openRaw } from '../../src/disk/source.js';
import { type Watched, watchMachine } from '../../src/instance/watch.js';
import type { GuestEvent } from '../../src/model/guest-event.js';
import type { ParameterDeclaration, ParameterValues } from '../../src/model/parameter.js';
import type { Boot, Controller, Disk, Hardware, MachineSpec } from '../../src/vmm/driver.js';
import { qemuArguments } from '../../src/vmm/qemu/arguments.js';
import { QemuDriver } from '../../src/vmm/qemu/driver.js';
import { QemuMachine } from '../../src/vmm/qemu/qemu-machine.js';
import { startSupervised } from '../../src/vmm/supervisor.js';
import { buildLimit, debianBase } from '../support/debian-base.js';
import { temporaryFolder } from '../support/gva.js';
import { makeDisks } from '../support/guest-disks.js';
import { carriedQemu, unpackPackages } from '../support/guest-kernel.js';
import { requireTool } from '../support/tools.js';

// The disk that packages carry, as other hosts boot it: by firmware, on whatever controller, with a CD that has
// nothing on it but the OVF environment. To see one alone: -t 'NAME'

let base: DirectBase;
let packages: Awaited<ReturnType<typeof temporaryFolder>>;
let driver: QemuDriver;

beforeAll(async () => {
  base = await loadDirectBase('micro');
  packages = await temporaryFolder();
  // UEFI firmware from Debian's package, unpacked, beside the QEMU of this machine.
  await unpackPackages(['ovmf'], packages.path);
  const carried = await carriedQemu(requireTool('qemu-system-x86_64'), join(packages.path, 'usr'));
  driver = new QemuDriver({ probeKernel: join(base.folder, base.files.kernel.name), folder: carried });
});
afterAll(() => packages[Symbol.asyncDispose]());

const parameters: ParameterDeclaration[] = [
  { name: 'n', type: 'int', default: 1 },
  { name: 'text', type: 'string', default: 'default' },
  { name: 'fast', type: 'bool', default: false },
  { name: 'x', type: 'float', default: 2.5 },
];
const given: ParameterValues = { n: 7, text: `<'"& \\ $(reboot) zwölf\n\ttab>`, fast: true, x: 2.5 };

/** An environment as another host writes it: of the parameters that somebody changed, and some of its own. */
const environment = `<?xml version="1.0" encoding="UTF-8"?>
<ovf:Environment xmlns:ovf="http://schemas.dmtf.org/ovf/environment/1" ovf:id="vm-17">
  <ovf:PlatformSection><ovf:Kind>VMware ESXi</ovf:Kind></ovf:PlatformSection>
  <ovf:PropertySection>
    <ovf:Property ovf:key="vm.vmname" ovf:value="n"/>
    <ovf:Property ovf:value='&lt;&apos;"&amp; \\ $(reboot) zw&#xf6;lf&#10;&#9;tab>' ovf:key="text"/>
    <ovf:Property ovf:key="fast" ovf:value="True"/>
    <ovf:Property ovf:key="n" ovf:value="7"></ovf:Property>
    <ovf:Property ovf:key="x" ovf:value=""/>
  </ovf:PropertySection>
</ovf:Environment>
`;

const texts = (entries: readonly MediumEntry[]) =>
  Object.fromEntries(
    entries.flatMap((entry) =>
      entry.kind === 'file' && entry.content instanceof Uint8Array
        ? [[entry.path, Buffer.from(entry.content).toString()]]
        : [],
    ),
  );

/** The application disk as GVA packs it. */
const appliance = (script: string) => ({
  '.gva/gvad.conf': 'media=output cdrom\nwait=10\n',
  ...packedDefaults({ name: 'test', parameters }),
  'script-bin/run': script,
});

interface Guest {
  /** `micro` where absent. */
  readonly base?: DirectBase;
  readonly firmware: 'bios' | 'uefi';
  readonly hardware: Hardware;
  readonly script?: string;
  /** Label of the CD. */
  readonly label?: string;
  readonly blankOutput?: boolean;
  /** MiB. */
  readonly memory?: number;
}

async function machineSpec(folder: string, guest: Guest): Promise<MachineSpec> {
  const { firmware, hardware, script = 'cp -rL /cdrom/. /output/' } = guest;
  const from = guest.base ?? base;
  const { disk } = from.files;
  if (!disk) throw new Error('the base has no portable disk: gva base build micro --force');
  const output = guest.blankOutput ? { blankOutput: 32 << 20 } : { output: true };
  const others = await makeDisks(folder, { app: appliance(script), ...output });
  const image = join(folder, 'env.iso');
  const entries = [{ kind: 'file' as const, path: 'ovf-env.xml', content: Buffer.from(environment) }];
  const iso = isoBytes(entries, { volumeId: guest.label ?? 'OVF ENV' });
  await writeFile(image, iso);
  const root: Disk = {
    ...{ id: 'root', image: join(from.folder, disk.name), size: disk.size },
    ...{ access: 'overlay', overlay: join(folder, 'root.overlay') },
  };
  const boot: Boot =
    firmware === 'bios'
      ? { kind: 'firmware', firmware }
      : { kind: 'firmware', firmware, variables: join(folder, 'variables.fd') };
  return {
    ...{ id: 'portable', cpus: 1, memory: (guest.memory ?? 256) << 20, boot, hardware },
    disks: [root, ...others, { id: 'cdrom', image, size: iso.length, access: 'read-only' }],
    folders: { uml: '', hostfs: '' },
  };
}

interface Outcome {
  readonly watched: Watched;
  readonly events: readonly GuestEvent[];
  /** The end of the console, and all events, for messages. */
  readonly said: string;
  /** Path to text of what is on the output disk. */
  readonly output: Readonly<Record<string, string>>;
}

async function run(guest: Guest): Promise<Outcome> {
  await using folder = await temporaryFolder();
  await using machine = await driver.start(await machineSpec(folder.path, guest));
  const events: GuestEvent[] = [];
  const watched = await watchMachine(
    machine,
    { boot: 120, total: 240, powerOff: 30 },
    (event) => events.push(event),
    new AbortController().signal,
  );
  const said = [...machine.console.lastLines(10), ...events.map((event) => JSON.stringify(event))].join('\n');
  const output = await filesOf(join(folder.path, 'output.img'), join(folder.path, 'files'));
  return { watched, events, said, output };
}

async function filesOf(image: string, target: string): Promise<Record<string, string>> {
  await using source = await openRaw(image);
  await extractTree(await openExt4(source), target);
  const paths = (await readdir(target, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(target.length + 1));
  return Object.fromEntries(
    await Promise.all(paths.map(async (path) => [path, await readFile(join(target, path), 'utf8')] as const)),
  );
}

/** What a CD of GVA's own would have had, and the document as it came. */
const expected = { ...texts(parameterFiles(given, 'test')), 'ovf-env.xml': environment };

async function expectRun(guest: Guest): Promise<void> {
  const { watched, events, said, output } = await run(guest);
  expect(watched, said).toMatchObject({ done: true, exit: { status: 0, reason: 'guest-shutdown' } });
  expect(
    events.filter(({ name }) => name === 'error'),
    said,
  ).toEqual([]);
  expect(output).toMatchObject(expected);
  expect(output['.gva/run.status']).toBe('0\n');
}

const onPc = (controller: Controller): Hardware => ({ machine: 'pc', controller, cdDrive: 'ide-cd' });

type Case = [string, Guest];
const short: Case[] = [
  ['by BIOS, IDE, a CD of another label', { firmware: 'bios', hardware: onPc('ide'), label: 'MY-VM' }],
  ['by BIOS, pvscsi, the CD on IDE', { firmware: 'bios', hardware: onPc('pvscsi') }],
  ['by BIOS, LSI Logic, the CD on IDE', { firmware: 'bios', hardware: onPc('lsi53c895a') }],
  ['by UEFI, IDE', { firmware: 'uefi', hardware: onPc('ide') }],
  ['by UEFI, AHCI', { firmware: 'uefi', hardware: { controller: 'ahci' } }],
];
const onScsi: Hardware = { controller: 'virtio-scsi', cdDrive: 'scsi-cd' };
const onNvme: Hardware = { controller: 'nvme', cdDrive: 'ide-cd' };
const long: Case[] = [
  ['by BIOS, AHCI', { firmware: 'bios', hardware: { controller: 'ahci' } }],
  ['by BIOS, LSI Logic SAS, the CD on IDE', { firmware: 'bios', hardware: onPc('mptsas1068') }],
  ['by BIOS, MegaRAID, the CD on IDE', { firmware: 'bios', hardware: onPc('megasas') }],
  ['by BIOS, virtio-blk, the CD a disk', { firmware: 'bios', hardware: { machine: 'pc' } }],
  ['by BIOS, virtio-scsi', { firmware: 'bios', hardware: onScsi }],
  ['by BIOS, NVMe, the CD on AHCI', { firmware: 'bios', hardware: onNvme }],
  ['by UEFI, virtio-blk, the CD on IDE', { firmware: 'uefi', hardware: onPc('virtio-blk') }],
  ['by UEFI, virtio-scsi', { firmware: 'uefi', hardware: onScsi }],
  ['by UEFI, NVMe, the CD on AHCI', { firmware: 'uefi', hardware: onNvme }],
  ['by BIOS, a blank output disk', { firmware: 'bios', hardware: onPc('pvscsi'), blankOutput: true }],
  ['by BIOS, in 128 MiB', { firmware: 'bios', hardware: onPc('pvscsi'), memory: 128 }],
  ['by UEFI, in 192 MiB', { firmware: 'uefi', hardware: { controller: 'ahci' }, memory: 192 }],
];
const ifLong = it.skipIf(!process.env['GVA_LONG']);

describe('the portable disk runs an appliance, its parameters from ovf-env.xml alone', () => {
  it.each(short)('%s', (_name, guest) => expectRun(guest));
  ifLong.each(long)('%s (GVA_LONG)', (_name, guest) => expectRun(guest));

  it('by BIOS, AHCI, without a serial port, and powers off', async () => {
    await using folder = await temporaryFolder();
    const spec = await machineSpec(folder.path, { firmware: 'bios', hardware: { controller: 'ahci' } });
    for (const { image, overlay, size } of spec.disks) if (overlay) await createOverlay(overlay, image, size);
    const all = qemuArguments(spec, { accelerator: 'tcg', sandbox: true, dataFolders: [] });
    const args = all.filter((word, index) => word !== '-serial' && all[index - 1] !== '-serial');
    const program = requireTool('qemu-system-x86_64');
    await using machine = new QemuMachine(await startSupervised({ program, args, sockets: 1 }));
    const limit = setTimeout(() => machine.kill(), 200_000);
    expect(await machine.exited).toEqual({ status: 0, stderr: '', reason: 'guest-shutdown' });
    clearTimeout(limit);
    expect(await filesOf(join(folder.path, 'output.img'), join(folder.path, 'files'))).toMatchObject(
      expected,
    );
  });

  ifLong('and QEMU is told of a panic (GVA_LONG)', async () => {
    const script = 'echo c >/proc/sysrq-trigger; sleep 1000';
    const { watched, said } = await run({ firmware: 'bios', hardware: onPc('pvscsi'), script });
    expect(watched.exit, said).toMatchObject({ status: 0, reason: 'guest-panic' });
  });
});

describe.each(['quick', 'systemd'] as const)('so does that of Debian, profile %s', (profile) => {
  let debian: DirectBase;
  beforeAll(async () => {
    debian = await debianBase(profile);
  }, buildLimit);

  const bios: Case = ['by BIOS, pvscsi, the CD on IDE', { firmware: 'bios', hardware: onPc('pvscsi') }];
  const uefi: Case = ['by UEFI, AHCI', { firmware: 'uefi', hardware: { controller: 'ahci' } }];
  const [always, other] = profile === 'quick' ? [bios, uefi] : [uefi, bios];
  it.each([always])('%s', (_name, guest) => expectRun({ ...guest, base: debian }));
  ifLong.each([other])('%s (GVA_LONG)', (_name, guest) => expectRun({ ...guest, base: debian }));
});
