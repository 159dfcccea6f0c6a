import { describe, expect, it } from 'vitest';
import { type MachineHardware, hardwareOf } from '../../src/ovf/hardware.js';
import { type Parts, cpu, descriptor, disk, item, memory, read, scsi } from './foreign-fixture.js';

function machine(parts: Parts, configuration?: string): MachineHardware {
  const envelope = read(descriptor(parts));
  return hardwareOf(envelope.systems[0]!, envelope, configuration);
}

const withItems = (...items: string[]) => machine({ items: items.join('') });
const twoDisks = [1, 2].map((n) => `<Disk ovf:diskId="disk${n}" ovf:capacity="1"/>`).join('');
/** `disk1@lsilogic 0:0`. */
const places = ({ disks }: MachineHardware) =>
  disks.map((each) => `${each.disk.id}@${each.controller.kind} ${each.controller.address}:${each.address}`);
const told = ({ problems }: MachineHardware) => problems.map(({ place, message }) => `${place}: ${message}`);
const cd = (more: Record<string, string | number> = {}) => item({ InstanceID: 9, ResourceType: 15, ...more });
const controller = (id: number, type: number, subtype: string, address = 0) =>
  item({ InstanceID: id, ResourceType: type, ResourceSubType: subtype, Address: address });

describe('the machine of a system', () => {
  it('has what its items say', () => {
    const hardware = withItems(
      ...[cpu(), memory(), scsi(), disk(), cd({ HostResource: 'ovf:/file/file1' })],
      item({ InstanceID: 10, ResourceType: 10, ResourceSubType: 'E1000', Connection: 'LAN' }),
      item({ InstanceID: 11, ResourceType: 14 }),
      item({ InstanceID: 12, ResourceType: 21 }),
    );
    expect(hardware).toMatchObject({
      ...{ cpus: 2, memory: 512 * 2 ** 20, floppyDrives: 1, serialPorts: 1, firmware: 'bios', problems: [] },
      nics: [{ network: 'LAN', subtype: 'E1000' }],
      cdDrives: [{ controller: { kind: 'ide' }, address: 0, file: { id: 'file1' } }],
    });
    expect(hardware.controllers.map(({ id, kind }) => [id, kind])).toEqual([
      ['3', 'lsilogic'],
      ['ide-0', 'ide'],
    ]);
    expect(places(hardware)).toEqual(['disk1@lsilogic 0:0']);
  });

  it.each([
    ['byte * 2^20', 512, 512 * 2 ** 20],
    ['MegaBytes', 512, 512 * 2 ** 20],
    ['MB', 512, 512 * 2 ** 20],
    ['GB', 2, 2 ** 31],
    ['byte * 2^30', 2, 2 ** 31],
    ['KiloBytes', 2 ** 20, 2 ** 30],
    ['byte', 2 ** 29, 2 ** 29],
    ['', 512, 512 * 2 ** 20],
  ])('has memory in units of "%s"', (unit, quantity, bytes) => {
    const items = memory({ AllocationUnits: unit, VirtualQuantity: quantity });
    expect(withItems(cpu(), items, scsi(), disk())).toMatchObject({ memory: bytes, problems: [] });
  });

  it('has what is reserved where no quantity is given, and something where nothing is', () => {
    const reserved = item({ InstanceID: 2, ResourceType: 4, AllocationUnits: 'MB', Reservation: 300 });
    expect(withItems(cpu(), reserved, scsi(), disk()).memory).toBe(300 * 2 ** 20);
    const bare = withItems(scsi(), disk());
    expect(bare).toMatchObject({ cpus: 1, memory: 256 * 2 ** 20 });
    expect(told(bare)).toEqual([
      'VirtualSystem vm: no processor is described; it gets one',
      'VirtualSystem vm: no memory is described; it gets 256 MiB',
    ]);
  });

  it.each([
    [cpu({ VirtualQuantity: 0 }), '0 processors are none or too many'],
    [cpu({ VirtualQuantity: 100_000 }), '100000 processors are none or too many'],
    [memory({ AllocationUnits: 'hertz' }), 'its unit "hertz" is none of memory'],
    [memory({ VirtualQuantity: 2 ** 50 }), '1180591620717411303424 bytes of memory are too much'],
  ])('is none where numbers are nonsense: %#', (items, message) => {
    const { problems } = withItems(items, scsi(), disk());
    expect(problems.filter(({ severity }) => severity === 'error').map((each) => each.message)).toEqual([
      message,
    ]);
  });

  it('is none where there is nothing to boot', () => {
    expect(told(withItems(cpu(), memory(), scsi()))).toEqual([
      'VirtualSystem vm: it has no disk and no CD: there is nothing to boot',
    ]);
  });

  it('leaves out disks without an image and devices that it has not', () => {
    const hardware = withItems(
      ...[cpu(), memory(), scsi(), disk()],
      item({ InstanceID: 5, ResourceType: 17, Parent: 3, AddressOnParent: 1 }),
      item({ InstanceID: 6, ResourceType: 35 }),
      item({ InstanceID: 7, ResourceType: 7, ElementName: 'SAN' }),
      item({ InstanceID: 8, ResourceType: 7 }, 'ovf:required="false"'),
    );
    expect(places(hardware)).toEqual(['disk1@lsilogic 0:0']);
    expect(told(hardware)).toEqual([
      'VirtualSystem vm, item 5: the disk has no image (HostResource) and is left out',
      'VirtualSystem vm, item 7: "SAN" (ResourceType 7) is left out',
    ]);
  });
});

describe('controllers', () => {
  it.each([
    [5, '', 'ide'],
    [5, 'PIIX4', 'ide'],
    [6, 'lsilogic', 'lsilogic'],
    [6, '', 'lsilogic'],
    [6, 'lsilogicsas', 'lsilogicsas'],
    [20, 'LsiLogicSas', 'lsilogicsas'],
    [6, 'buslogic', 'buslogic'],
    [6, 'buslogic lsilogic', 'lsilogic'],
    [6, 'someother, lsilogic', 'lsilogic'],
    [6, 'VirtualSCSI', 'pvscsi'],
    [6, 'virtio-scsi', 'virtio-scsi'],
    [20, 'AHCI', 'ahci'],
    [20, 'vmware.sata.ahci', 'ahci'],
    [20, 'vmware.nvme.controller', 'nvme'],
  ])('type %d "%s" is %s', (type, subtype, kind) => {
    const hardware = withItems(cpu(), memory(), controller(3, type, subtype), disk());
    expect(places(hardware)).toEqual([`disk1@${kind} 0:0`]);
    expect(told(hardware)).toEqual([]);
  });

  it('of a type that is not known are taken for the usual, with a warning', () => {
    const hardware = withItems(cpu(), memory(), controller(3, 6, 'quantum'), disk());
    expect(places(hardware)).toEqual(['disk1@lsilogic 0:0']);
    expect(told(hardware)).toEqual([
      'VirtualSystem vm, item 3: its type "quantum" is not known; it is taken for lsilogic',
    ]);
  });

  it('are looked at in their order, then disks by address', () => {
    const items = [
      ...[cpu(), memory(), controller(20, 5, '', 1), controller(21, 5, '', 0), controller(3, 6, 'lsilogic')],
      disk({ InstanceID: 30, Parent: 3, AddressOnParent: 2 }),
      disk({ InstanceID: 31, Parent: 3, HostResource: '/disk/disk2', AddressOnParent: 0 }),
      disk({ InstanceID: 32, Parent: 20, AddressOnParent: 0 }),
      disk({ InstanceID: 33, Parent: 21, HostResource: 'ovf://disk/disk2', AddressOnParent: 1 }),
    ].join('');
    expect(places(machine({ disks: twoDisks, items }))).toEqual([
      ...['disk2@ide 0:1', 'disk1@ide 1:0', 'disk2@lsilogic 0:0', 'disk1@lsilogic 0:2'],
    ]);
  });

  it('give way where an address is taken, or is none: disks stay, CDs move', () => {
    const old = [cpu(), memory(), controller(3, 5, 'PIIX4', 1)];
    const drives = [9, 10].map((id) => cd({ InstanceID: id, Parent: 3, AddressOnParent: 0 }));
    const hardware = withItems(...old, ...drives, disk());
    expect(places(hardware)).toEqual(['disk1@ide 1:0']);
    expect(hardware.cdDrives.map((each) => [each.controller.address, each.address])).toEqual([
      [1, 1],
      [0, 0],
    ]);
    expect(told(hardware)[0]).toMatch(/item 9: its address is taken .* it gets ide 1:1$/);
    const reserved = withItems(cpu(), memory(), scsi(), disk({ AddressOnParent: 7 }));
    expect(places(reserved)).toEqual(['disk1@lsilogic 0:0']);
  });

  it('are full at some time', () => {
    const disks = Array.from({ length: 16 }, (_, n) => disk({ InstanceID: 100 + n, AddressOnParent: n }));
    const hardware = withItems(cpu(), memory(), scsi(), ...disks);
    expect(hardware.disks).toHaveLength(15);
    expect(hardware.problems.at(-1)).toEqual({
      ...{ severity: 'error', place: 'VirtualSystem vm, item 115' },
      message: 'there is no free address on its controller',
    });
  });

  it('are made where none is described', () => {
    const orphan = withItems(cpu(), memory(), disk({ Parent: 77 }));
    expect(places(orphan)).toEqual(['disk1@ahci 0:0']);
    expect(told(orphan)).toEqual([
      'VirtualSystem vm, item 4: its controller "77" is not described; it gets one (ahci)',
    ]);
    const disks = '<Disk ovf:diskId="disk1" ovf:capacity="1" ovf:disk-interface="VirtIO"/>';
    const parent = '00000000-0000-0000-0000-000000000000';
    const ovirt = machine({
      ...{ disks, items: cpu() + memory() + disk({ Parent: parent, HostResource: 'disk1' }) },
      namespace: 'http://schemas.dmtf.org/ovf/envelope/1/',
    });
    expect(places(ovirt)).toEqual(['disk1@virtio-blk 0:0']);
    expect(told(ovirt)).toEqual([]);
  });
});

describe('firmware', () => {
  it.each([
    ['', 'bios'],
    ['<vmw:Config ovf:required="false" vmw:key="firmware" vmw:value="efi"/>', 'uefi'],
    ['<vmw:Config ovf:required="false" vmw:key="firmware" vmw:value="bios"/>', 'bios'],
  ])('VMware: %s', (hardware, firmware) => {
    expect(machine({ hardware }).firmware).toBe(firmware);
  });

  it.each([
    ['<Hardware><Firmware type="EFI64"/></Hardware>', 'uefi'],
    ['<Hardware><BIOS><Firmware type="EFI"/></BIOS></Hardware>', 'uefi'],
    ['<Hardware><Firmware type="BIOS"/></Hardware>', 'bios'],
    ['<Hardware/>', 'bios'],
  ])('VirtualBox: %s', (content, firmware) => {
    const system = `<vbox:Machine ovf:required="false">${content}</vbox:Machine>`;
    expect(machine({ system }).firmware).toBe(firmware);
  });
});

describe('configurations', () => {
  const configuration = (id: string, more = '') =>
    `<Configuration ovf:id="${id}" ${more}><Label>${id}</Label><Description/></Configuration>`;
  const envelope = (second: string) =>
    `<DeploymentOptionSection><Info/>${configuration('small')}${configuration('large', second)}</DeploymentOptionSection>`;
  const items = [
    ...[cpu({ VirtualQuantity: 1 }), cpu({ VirtualQuantity: 8 }, 'ovf:configuration="large"')],
    ...[memory(), memory({ VirtualQuantity: 99 }, 'ovf:bound="max"'), scsi(), disk()],
    item({ InstanceID: 5, ResourceType: 10 }, 'ovf:configuration="small other"'),
  ].join('');

  it('replace items that are for all', () => {
    expect(machine({ items, envelope: envelope('ovf:default="true"') })).toMatchObject({
      ...{ configuration: 'large', cpus: 8, memory: 512 * 2 ** 20, nics: [] },
    });
    expect(machine({ items, envelope: envelope('') })).toMatchObject({ configuration: 'small', cpus: 1 });
    const large = machine({ items, envelope: envelope('') }, 'large');
    expect(large).toMatchObject({ configuration: 'large', cpus: 8 });
    expect(machine({ items, envelope: envelope('') }, 'small').nics).toHaveLength(1);
  });

  it('must be there', () => {
    const asked = (parts: Parts) => () => machine(parts, 'huge');
    const error = (hint: string) => expect.objectContaining({ code: 'OVF_CONFIGURATION', hint }) as Error;
    expect(asked({ items, envelope: envelope('') })).toThrow(error('it has "small", "large"'));
    expect(asked({})).toThrow(error('it has none at all'));
  });

  it('of several descriptions of one machine that for a hypervisor known is taken', () => {
    const section = (type: string, quantity: number) =>
      `<VirtualHardwareSection><Info/><System><rasd:VirtualSystemType>${type}</rasd:VirtualSystemType></System>${cpu({ VirtualQuantity: quantity })}</VirtualHardwareSection>`;
    const system = section('xen-3', 3) + section('vmx-10', 4);
    const items = cpu({ VirtualQuantity: 5 });
    expect(machine({ system, items }).cpus).toBe(4);
    expect(machine({ system: section('xen-3', 3), items }).cpus).toBe(3);
  });
});
