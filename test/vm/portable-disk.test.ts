import { copyFile, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parameterFiles } from '../../src/appliance/parameter-files.js';
import { type Base, loadBase } from '../../src/base/store.js';
import { openExt4 } from '../../src/disk/ext4/index.js';
import { extractTree } from '../../src/disk/extract.js';
import { isoBytes } from '../../src/disk/iso9660/index.js';
import type { MediumEntry } from '../../src/disk/medium-entry.js';
import { openRaw } from '../../src/disk/source.js';
import { watchMachine } from '../../src/instance/watch.js';
import type { GuestEvent } from '../../src/model/guest-event.js';
import type { ParameterType, ParameterValues } from '../../src/model/parameter.js';
import type { Boot, Controller, Disk, Hardware, MachineSpec } from '../../src/vmm/driver.js';
import { QemuDriver } from '../../src/vmm/qemu/driver.js';
import { temporaryFolder } from '../support/gva.js';
import { makeDisks } from '../support/guest-disks.js';
import { carriedQemu, unpackPackages } from '../support/guest-kernel.js';
import { requireTool } from '../support/tools.js';

// The disk that packages carry, as other hosts boot it: by firmware, on whatever controller, with a CD that has
// nothing on it but the OVF environment. To see one alone: -t 'NAME'

let base: Base;
let packages: Awaited<ReturnType<typeof temporaryFolder>>;
let driver: QemuDriver;

beforeAll(async () => {
  base = await loadBase('micro');
  packages = await temporaryFolder();
  // UEFI firmware from Debian's package, unpacked, beside the QEMU of this machine.
  await unpackPackages(['ovmf'], packages.path);
  const carried = await carriedQemu(requireTool('qemu-system-x86_64'), join(packages.path, 'usr'));
  driver = new QemuDriver({ probeKernel: join(base.folder, base.files.kernel.name), folder: carried });
});
afterAll(() => packages[Symbol.asyncDispose]());

const types: Record<string, ParameterType> = { n: 'int', text: 'string', fast: 'bool', x: 'float' };
const defaults: ParameterValues = { n: 1, text: 'default', fast: false, x: 2.5 };
const given: ParameterValues = { n: 7, text: `<'"& \\ $(reboot) zwölf\n\ttab>`, fast: true, x: 2.5 };

const texts = (entries: readonly MediumEntry[]) =>
  Object.fromEntries(
    entries.flatMap((entry) =>
      entry.kind === 'file' && entry.content instanceof Uint8Array
        ? [[entry.path, Buffer.from(entry.content).toString()]]
        : [],
    ),
  );

/** The application disk as GVA packs it. */
const app = {
  '.gva/gvad.conf': 'media=output cdrom\nwait=20\n',
  '.gva/parameters': Object.entries(types)
    .map(([name, type]) => `${type} ${name}\n`)
    .join(''),
  ...Object.fromEntries(
    Object.entries(texts(parameterFiles(defaults, 'test'))).map(([path, text]) => [`.gva/cdrom/${path}`, text]),
  ),
  'script-bin/run': 'cp -rL /cdrom/. /output/',
};

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

interface Outcome {
  readonly events: readonly GuestEvent[];
  /** Path to text of what is on the output disk. */
  readonly output: Readonly<Record<string, string>>;
}

async function boot(
  firmware: 'bios' | 'uefi',
  hardware: Hardware,
  more: { blankOutput?: boolean; label?: string; memory?: number; noSerialPort?: boolean } = {},
): Promise<Outcome> {
  await using folder = await temporaryFolder();
  const disk = base.files.disk;
  if (!disk) throw new Error('the base has no portable disk: gva base build micro --force');
  const output = more.blankOutput ? { blankOutput: 32 << 20 } : { output: true };
  const others = await makeDisks(folder.path, { app, ...output });
  const iso = isoBytes([{ kind: 'file', path: 'ovf-env.xml', content: Buffer.from(environment) }], {
    volumeId: more.label ?? 'OVF ENV',
  });
  await writeFile(join(folder.path, 'env.iso'), iso);
  const disks: Disk[] = [
    {
      ...{ id: 'root', image: join(base.folder, disk.name), size: disk.size, access: 'overlay' },
      overlay: join(folder.path, 'root.overlay'),
    },
    ...others,
    { id: 'cdrom', image: join(folder.path, 'env.iso'), size: iso.length, access: 'read-only' },
  ];
  const how: Boot =
    firmware === 'bios'
      ? { kind: 'firmware', firmware }
      : { kind: 'firmware', firmware, variables: join(folder.path, 'variables.fd') };
  const spec: MachineSpec = {
    ...{ id: 'portable', cpus: 1, memory: more.memory ?? 256 << 20, boot: how, disks, hardware },
    folders: { uml: '', hostfs: '' },
  };
  await using machine = await driver.start(spec);
  const events: GuestEvent[] = [];
  const watched = await watchMachine(
    machine,
    { boot: 40, total: 60, powerOff: 30 },
    (event) => events.push(event),
    new AbortController().signal,
  );
  const said = [...machine.console.lastLines(10), ...events.map((event) => JSON.stringify(event))].join('\n');
  expect(watched, said).toMatchObject({ done: true, exit: { status: 0, reason: 'guest-shutdown' } });
  return { events, output: await filesOf(join(folder.path, 'output.img'), join(folder.path, 'files')) };
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

const expected = { ...texts(parameterFiles(given, 'test')), 'ovf-env.xml': environment };

const vmwareLike = (controller: Controller): Hardware => ({ machine: 'pc', controller, cdDrive: 'ide-cd' });

describe('the portable disk runs an appliance, its parameters from ovf-env.xml alone', () => {
  const short: [string, 'bios' | 'uefi', Hardware][] = [
    ['by BIOS from IDE', 'bios', { machine: 'pc', controller: 'ide' }],
    ['by BIOS from pvscsi, the CD on IDE', 'bios', vmwareLike('pvscsi')],
    ['by BIOS from LSI Logic, the CD on IDE', 'bios', vmwareLike('lsi53c895a')],
    ['by UEFI from AHCI', 'uefi', { controller: 'ahci' }],
    ['by UEFI from virtio-blk, the CD on SCSI', 'uefi', { controller: 'virtio-blk', cdDrive: 'scsi-cd' }],
  ];
  const long: [string, 'bios' | 'uefi', Hardware][] = [
    ['by BIOS from AHCI', 'bios', { controller: 'ahci' }],
    ['by BIOS from virtio-blk', 'bios', { machine: 'pc', controller: 'virtio-blk' }],
    ['by BIOS from virtio-scsi', 'bios', { controller: 'virtio-scsi', cdDrive: 'scsi-cd' }],
    ['by BIOS from NVMe, the CD on AHCI', 'bios', { controller: 'nvme', cdDrive: 'ide-cd' }],
    ['by BIOS from megasas', 'bios', vmwareLike('megasas')],
    ['by BIOS from LSI Logic SAS, the CD on IDE', 'bios', vmwareLike('mptsas1068')],
    ['by UEFI from IDE', 'uefi', { machine: 'pc', controller: 'ide' }],
    ['by UEFI from virtio-scsi', 'uefi', { controller: 'virtio-scsi', cdDrive: 'scsi-cd' }],
    ['by UEFI from NVMe, the CD on AHCI', 'uefi', { controller: 'nvme', cdDrive: 'ide-cd' }],
  ];
  const run = async (firmware: 'bios' | 'uefi', hardware: Hardware) => {
    const start = performance.now();
    const { events, output } = await boot(firmware, hardware);
    console.log(firmware, JSON.stringify(hardware), ((performance.now() - start) / 1000).toFixed(1), events.map((e) => `${e.name}@${e.uptime}`).join(' '));
    expect(output).toMatchObject(expected);
    expect(output['.gva/run.status']).toBe('0\n');
    expect(events.filter(({ name }) => name === 'error')).toEqual([]);
  };

  it.each(short)('%s', (_name, firmware, hardware) => run(firmware, hardware));
  it.skipIf(!process.env['GVA_LONG']).each(long)('%s (GVA_LONG)', (_name, firmware, hardware) =>
    run(firmware, hardware),
  );
});
