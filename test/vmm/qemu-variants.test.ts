import { describe, expect, it } from 'vitest';
import { type Controller, type Disk, type MachineSpec, controllers } from '../../src/vmm/driver.js';
import { type QemuHost, qemuArguments } from '../../src/vmm/qemu/arguments.js';
import { chooseAccelerator } from '../../src/vmm/qemu/driver.js';

const host: QemuHost = { accelerator: 'tcg', sandbox: true, dataFolders: [] };
const root: Disk = { id: 'root', image: '/i/root.img', size: 1, access: 'read-write' };
const cdrom: Disk = { id: 'cdrom', image: '/i/cd.iso', size: 1, access: 'read-only' };

const direct: MachineSpec = {
  id: 'v',
  cpus: 1,
  memory: 256 << 20,
  boot: { kind: 'direct', kernel: '/b/vmlinux', initrd: '/b/initrd.img' },
  disks: [root],
  folders: { uml: '/s/uml', hostfs: '/s/hostfs' },
};
const bios: MachineSpec = { ...direct, boot: { kind: 'firmware', firmware: 'bios' } };
const uefi: MachineSpec = {
  ...direct,
  boot: { kind: 'firmware', firmware: 'uefi', variables: '/s/vars,1.fd' },
};

/** The whole line, a pair of option and value as one string. */
const line = (spec: MachineSpec, on: QemuHost = host) =>
  qemuArguments(spec, on)
    .join(' ')
    .split(/ (?=-)/);

const emulation = ['-accel tcg', '-cpu max,-erms', '-m size=256M', '-smp cpus=1'];
const isolation = [
  ...['-nodefaults', '-no-user-config', '-display none', '-no-reboot'],
  '-sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny',
];
const kernel = [
  '-kernel /b/vmlinux',
  '-initrd /b/initrd.img',
  '-append console=ttyS1 quiet panic=-1 no_timer_check tsc=reliable random.trust_cpu=on audit=0 cryptomgr.notests nokaslr mitigations=off nopti root=/dev/vda',
];
const ports = [
  ...['-chardev socket,id=events,fd=4', '-serial chardev:events'],
  ...['-chardev socket,id=console,fd=5', '-serial chardev:console'],
  ...['-chardev socket,id=qmp,fd=6', '-mon chardev=qmp,mode=control'],
];
const rootDrive =
  '-drive file=/i/root.img,format=raw,if=none,id=root,readonly=off,cache=unsafe,discard=unmap';
const cdDrive = '-drive file=/i/cd.iso,format=raw,if=none,id=cdrom,readonly=on,cache=unsafe,discard=unmap';
const rootDevice = '-device virtio-blk-pci,drive=root,serial=gva-root';

describe('the whole command line', () => {
  it('of a pc by direct boot', () => {
    expect(line({ ...direct, hardware: { machine: 'pc' } })).toEqual([
      '-name gva-v',
      '-machine pc,usb=off,vmport=off,smm=off,i8042=off,graphics=off',
      ...[...emulation, ...isolation, ...kernel, ...ports, rootDrive, rootDevice],
    ]);
  });

  it('of a microvm, which makes only the first serial port by itself', () => {
    const on: QemuHost = { ...host, accelerator: 'kvm' };
    expect(line({ ...direct, hardware: { machine: 'microvm' } }, on)).toEqual([
      '-name gva-v',
      '-machine microvm,pcie=on,usb=off,graphics=off',
      ...['-accel kvm', '-cpu host', '-m size=256M', '-smp cpus=1', ...isolation],
      ...['-kernel /b/vmlinux', '-initrd /b/initrd.img'],
      '-append console=ttyS1 quiet panic=-1 no_timer_check audit=0 cryptomgr.notests nokaslr mitigations=off nopti root=/dev/vda',
      ...['-chardev socket,id=events,fd=4', '-serial chardev:events'],
      ...['-chardev socket,id=console,fd=5', '-device isa-serial,index=1,chardev=console'],
      ...['-chardev socket,id=qmp,fd=6', '-mon chardev=qmp,mode=control'],
      ...[rootDrive, rootDevice],
    ]);
  });

  it('of a q35 by BIOS', () => {
    expect(line(bios)).toEqual([
      '-name gva-v',
      '-machine q35,sata=off,usb=off,vmport=off,smm=off',
      ...[...emulation, ...isolation],
      '-device pvpanic-pci',
      ...[...ports, rootDrive, `${rootDevice},bootindex=0`],
    ]);
  });

  it('of a pc by UEFI', () => {
    const on = { ...host, uefiCode: '/o/OVMF_CODE_4M.fd' };
    expect(line({ ...uefi, hardware: { machine: 'pc' } }, on)).toEqual([
      '-name gva-v',
      '-machine pc,usb=off,vmport=off,smm=off',
      ...[...emulation, ...isolation],
      '-drive if=pflash,unit=0,format=raw,readonly=on,file=/o/OVMF_CODE_4M.fd',
      '-drive if=pflash,unit=1,format=raw,readonly=off,file=/s/vars,,1.fd',
      '-device pvpanic-pci',
      ...[...ports, rootDrive, `${rootDevice},bootindex=0`],
    ]);
  });

  it('on a Mac, with a QEMU of the user', () => {
    const on: QemuHost = { accelerator: 'hvf', sandbox: false, dataFolders: ['/q/share/qemu', '/q/x'] };
    expect(line(bios, on)).toEqual([
      '-name gva-v',
      ...['-L /q/share/qemu', '-L /q/x'],
      '-machine q35,sata=off,usb=off,vmport=off,smm=off',
      ...['-accel hvf', '-cpu host', '-m size=256M', '-smp cpus=1'],
      ...['-nodefaults', '-no-user-config', '-display none', '-no-reboot'],
      '-device pvpanic-pci',
      ...[...ports, rootDrive, `${rootDevice},bootindex=0`],
    ]);
  });

  it("with the guest's memory on one NUMA node", () => {
    expect(line({ ...bios, placement: { numaNode: 1, hostCpus: [2, 3] } })).toEqual([
      '-name gva-v',
      '-machine q35,sata=off,usb=off,vmport=off,smm=off,memory-backend=ram',
      ...['-accel tcg', '-cpu max,-erms', '-m size=256M'],
      '-object memory-backend-ram,id=ram,size=256M,host-nodes=1,policy=bind',
      '-smp cpus=1',
      ...[...isolation, '-device pvpanic-pci', ...ports, rootDrive, `${rootDevice},bootindex=0`],
    ]);
  });
});

/** What comes behind the ports. */
const disks = (spec: MachineSpec) => {
  const all = line(spec);
  return all.slice(all.indexOf(ports.at(-1) ?? '') + 1);
};

describe('disks', () => {
  const devices: Record<Controller, string[]> = {
    'virtio-blk': ['virtio-blk-pci', 'virtio-blk-pci'],
    nvme: ['nvme', 'nvme'],
    'virtio-scsi': [
      'virtio-scsi-pci,id=scsi0',
      'scsi-hd,bus=scsi0.0,scsi-id=0',
      'scsi-hd,bus=scsi0.0,scsi-id=1',
    ],
    lsi53c895a: ['lsi53c895a,id=scsi0', 'scsi-hd,bus=scsi0.0,scsi-id=0', 'scsi-hd,bus=scsi0.0,scsi-id=1'],
    pvscsi: ['pvscsi,id=scsi0', 'scsi-hd,bus=scsi0.0,scsi-id=0', 'scsi-hd,bus=scsi0.0,scsi-id=1'],
    megasas: ['megasas,id=scsi0', 'scsi-hd,bus=scsi0.0,scsi-id=0', 'scsi-hd,bus=scsi0.0,scsi-id=1'],
    mptsas1068: [
      'mptsas1068,sas_address=0x5000c50000000000,id=scsi0',
      'scsi-hd,bus=scsi0.0,scsi-id=0,wwn=0x5000c50100000000',
      'scsi-hd,bus=scsi0.0,scsi-id=1,wwn=0x5000c50100000001',
    ],
    ide: ['ide-hd,bus=ide.0,unit=0', 'ide-cd,bus=ide.0,unit=1'],
    ahci: ['ich9-ahci,id=ahci0', 'ide-hd,bus=ahci0.0', 'ide-cd,bus=ahci0.1'],
  };

  it.each(controllers)('behind %s', (controller) => {
    const spec: MachineSpec = {
      ...{ ...direct, disks: [root, cdrom] },
      hardware: { machine: 'pc', controller },
    };
    const controllerDevice = devices[controller].slice(0, -2).map((device) => `-device ${device}`);
    const [first, second] = devices[controller].slice(-2);
    expect(disks(spec)).toEqual([
      ...controllerDevice,
      rootDrive,
      `-device ${first!},drive=root,serial=gva-root`,
      cdDrive,
      `-device ${second!},drive=cdrom,serial=gva-cdrom`,
    ]);
  });

  it.each([
    // The disks' controller takes the drive ...
    ['pc', 'virtio-scsi', 'scsi-cd', ['scsi-cd,bus=scsi0.0,scsi-id=1']],
    ['pc', 'mptsas1068', 'scsi-cd', ['scsi-cd,bus=scsi0.0,scsi-id=1,wwn=0x5000c50100000001']],
    ['pc', 'ide', 'ide-cd', ['ide-cd,bus=ide.0,unit=1']],
    ['q35', 'ahci', 'ide-cd', ['ide-cd,bus=ahci0.1']],
    // ... or another does.
    ['q35', 'virtio-blk', 'scsi-cd', ['virtio-scsi-pci,id=scsi0', 'scsi-cd,bus=scsi0.0,scsi-id=0']],
    ['q35', 'nvme', 'ide-cd', ['ich9-ahci,id=ahci0', 'ide-cd,bus=ahci0.0']],
    ['pc', 'lsi53c895a', 'ide-cd', ['ide-cd,bus=ide.0,unit=0']],
  ] as const)('a CD drive: %s, %s, %s', (machine, controller, cdDriveKind, expected) => {
    const spec: MachineSpec = {
      ...{ ...direct, disks: [root, cdrom] },
      hardware: { machine, controller, cdDrive: cdDriveKind },
    };
    const all = disks(spec);
    const own = expected.slice(0, -1).map((device) => `-device ${device}`);
    const drive = `-device ${expected.at(-1)!},drive=cdrom,serial=gva-cdrom`;
    expect(all.slice(-own.length - 2)).toEqual([...own, cdDrive, drive]);
  });

  const many = (count: number) => ({ ...direct, disks: Array<Disk>(count).fill(root) });
  it('go to the other channel of an IDE controller, and no further', () => {
    const hardware = { machine: 'pc', controller: 'ide' } as const;
    expect(disks({ ...many(4), hardware }).filter((each) => each.startsWith('-device'))).toEqual(
      ['ide.0,unit=0', 'ide.0,unit=1', 'ide.1,unit=0', 'ide.1,unit=1'].map(
        (place) => `-device ide-hd,bus=${place},drive=root,serial=gva-root`,
      ),
    );
    expect(() => disks({ ...many(5), hardware })).toThrow('ide takes 4 drives and no more');
  });
});

describe('what QEMU cannot make is refused before it starts', () => {
  it('IDE where the machine has none', () => {
    expect(() => line({ ...direct, hardware: { controller: 'ide' } })).toThrow(
      'the machine q35 has no IDE controller',
    );
  });
  it('a microvm by firmware, or by emulation', () => {
    expect(() => line({ ...direct, hardware: { machine: 'microvm' } })).toThrow('a microvm needs KVM or HVF');
    expect(() => line({ ...bios, hardware: { machine: 'microvm' } })).toThrow(
      'a microvm cannot be booted by firmware',
    );
  });
});

describe('the accelerator', () => {
  it.each([
    ['linux', 'x64', true, 'kvm'],
    ['linux', 'x64', false, 'tcg'],
    ['linux', 'arm64', true, 'tcg'],
    ['darwin', 'x64', true, 'hvf'],
    ['darwin', 'arm64', true, 'tcg'],
    ['win32', 'x64', true, 'tcg'],
  ])('on %s, %s, KVM %s: %s', async (system, processor, kvm, expected) => {
    expect(await chooseAccelerator(system, processor, () => Promise.resolve(kvm))).toBe(expected);
  });

  it('guests of another architecture are emulated, and KVM is not even tried', async () => {
    const kvm = () => Promise.reject(new Error('tried'));
    for (const processor of ['x64', 'arm64'])
      expect(await chooseAccelerator('linux', processor, kvm, 'aarch64')).toBe('tcg');
  });
});
