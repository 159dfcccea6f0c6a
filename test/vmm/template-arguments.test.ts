import { describe, expect, it } from 'vitest';
import { machineReach } from '../../src/vmm/confinement.js';
import type { MachineSpec } from '../../src/vmm/driver.js';
import { type QemuHost, qemuArguments } from '../../src/vmm/qemu/arguments.js';
import { isTooOld, mapsReadOnlyFiles } from '../../src/vmm/qemu/installation.js';

const host: QemuHost = { accelerator: 'tcg', sandbox: true, dataFolders: [] };

const template: MachineSpec = {
  id: 't',
  cpus: 1,
  memory: 256 << 20,
  boot: { kind: 'direct', kernel: '/b/vmlinux', initrd: '/b/initrd.img' },
  disks: [
    { id: 'root', image: '/b/root.img', size: 1, access: 'overlay', overlay: '/t/root.overlay' },
    { id: 'app', image: '/t/app.img', size: 64 << 20, access: 'overlay', overlay: '/t/app.overlay' },
    { id: 'output', image: '/t/output.img', size: 1, access: 'read-write' },
    { id: 'cdrom', image: '/t/params.iso', size: 1, access: 'read-only' },
  ],
  folders: { uml: '/s/uml', hostfs: '/s/hostfs' },
  kernelOptions: ['gva.template=1'],
  memoryFile: { file: '/t,1/memory', shared: true },
  generationId: true,
  saveSocket: '/t,1/socket',
};

const clone: MachineSpec = {
  ...template,
  id: 'c',
  disks: [
    {
      ...{ id: 'root', image: '/t/root.overlay', backing: '/b/root.img', size: 1 },
      ...{ access: 'overlay', overlay: '/s/root.overlay' },
    },
    { id: 'app', image: '/c/app.img', size: 64 << 20, access: 'overlay', overlay: '/s/app.overlay' },
    { id: 'output', image: '/s/output.img', size: 1, access: 'read-write' },
    { id: 'cdrom', image: '/s/params.iso', size: 1, access: 'read-only' },
  ],
  memoryFile: { file: '/t,1/memory', shared: false },
  incoming: { state: '/t,1/state' },
};
Reflect.deleteProperty(clone, 'saveSocket');

/** The whole line, a pair of option and value as one string. */
const line = (spec: MachineSpec, on: QemuHost = host) =>
  qemuArguments(spec, on)
    .join(' ')
    .split(/ (?=-)/);

const machine = [
  '-machine q35,sata=off,smbus=off,usb=off,vmport=off,smm=off,i8042=off,graphics=off,memory-backend=ram',
  ...['-accel tcg', '-cpu max,-erms', '-m size=256M'],
];
const isolation = [
  ...['-smp cpus=1', '-nodefaults', '-no-user-config', '-display none', '-no-reboot'],
  '-sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny',
];
const ports = [
  ...['-chardev socket,id=events,fd=4', '-serial chardev:events'],
  ...['-chardev socket,id=console,fd=5', '-serial chardev:console'],
  ...['-chardev socket,id=qmp,fd=6', '-mon chardev=qmp,mode=control'],
];
const common = ',cache=unsafe,discard=unmap';

describe('the command line', () => {
  it('of a machine that becomes a template: all of it', () => {
    expect(line(template)).toEqual([
      '-name gva-t',
      ...machine,
      '-object memory-backend-file,id=ram,size=256M,mem-path=/t,,1/memory,share=on',
      ...isolation,
      ...['-kernel /b/vmlinux', '-initrd /b/initrd.img'],
      '-append console=ttyS1 quiet panic=-1 no_timer_check tsc=reliable random.trust_cpu=on audit=0 cryptomgr.notests nokaslr mitigations=off nopti root=/dev/vda gva.app=vdb gva.output=vdc gva.cdrom=vdd gva.template=1',
      ...ports,
      `-drive file=/t/root.overlay,format=qcow2,if=none,id=root,readonly=off,backing.file.locking=off${common}`,
      '-device virtio-blk-pci,drive=root,serial=gva-root',
      `-drive file=/t/app.overlay,format=qcow2,if=none,id=app,readonly=off,backing.file.locking=off${common}`,
      '-device virtio-blk-pci,drive=app,serial=gva-app',
      `-drive file=/t/output.img,format=raw,if=none,id=output,readonly=off${common}`,
      '-device virtio-blk-pci,drive=output,serial=gva-output',
      `-drive file=/t/params.iso,format=raw,if=none,id=cdrom,readonly=on${common}`,
      '-device virtio-blk-pci,drive=cdrom,serial=gva-cdrom',
      '-device vmgenid,guid=auto',
    ]);
  });

  it('of a clone: the same devices, no kernel, memory that is never written', () => {
    expect(line(clone)).toEqual([
      '-name gva-c',
      ...machine,
      '-object memory-backend-file,id=ram,size=256M,mem-path=/t,,1/memory,share=off',
      ...isolation,
      ...ports,
      `-drive file=/s/root.overlay,format=qcow2,if=none,id=root,readonly=off,backing.file.locking=off,backing.backing.file.locking=off${common}`,
      '-device virtio-blk-pci,drive=root,serial=gva-root',
      `-drive file=/s/app.overlay,format=qcow2,if=none,id=app,readonly=off,backing.file.locking=off${common}`,
      '-device virtio-blk-pci,drive=app,serial=gva-app',
      `-drive file=/s/output.img,format=raw,if=none,id=output,readonly=off${common}`,
      '-device virtio-blk-pci,drive=output,serial=gva-output',
      `-drive file=/s/params.iso,format=raw,if=none,id=cdrom,readonly=on${common}`,
      '-device virtio-blk-pci,drive=cdrom,serial=gva-cdrom',
      '-device vmgenid,guid=auto',
      '-incoming defer',
    ]);
  });

  it('of a clone by a QEMU that can open the memory for reading only', () => {
    const memory = (spec: MachineSpec) =>
      line(spec, { ...host, readOnlyMemoryFile: true }).find((pair) => pair.startsWith('-object'));
    const file = '-object memory-backend-file,id=ram,size=256M,mem-path=/t,,1/memory';
    expect(memory(clone)).toBe(`${file},share=off,readonly=on,rom=off`);
    expect(memory(template)).toBe(`${file},share=on`);
    expect(['7.2.22', '8.2.0', '9.0.2', '10.1.0', 'unknown'].map(mapsReadOnlyFiles)).toEqual([
      ...[false, false, true, true, false],
    ]);
    expect(isTooOld('unknown')).toBe(false);
  });

  it('cannot have memory that is a file on one NUMA node', () => {
    expect(() => line({ ...clone, placement: { numaNode: 0 } })).toThrow('NUMA');
  });
});

describe('what the machine reaches', () => {
  it('a template: its own files, and where its state goes', () => {
    expect(machineReach(template)).toEqual({
      readable: [
        ...['/b/vmlinux', '/b/initrd.img', '/b/root.img', '/t/app.img', '/t/params.iso'],
        '/t,1/socket',
      ],
      writable: ['/t/output.img', '/t,1/memory', '/t/root.overlay', '/t/app.overlay'],
    });
  });

  it('a clone: no kernel, all that its root lies on; the memory for writing only where QEMU insists', () => {
    const readable = ['/t/root.overlay', '/c/app.img', '/s/params.iso'];
    const writable = ['/s/root.overlay', '/s/app.overlay'];
    expect(machineReach(clone)).toEqual({
      readable: [...readable, '/b/root.img'],
      writable: ['/s/output.img', '/t,1/memory', ...writable],
    });
    expect(machineReach(clone, true)).toEqual({
      readable: [...readable, '/t,1/memory', '/b/root.img'],
      writable: ['/s/output.img', ...writable],
    });
    expect(machineReach(template, true).writable).toContain('/t,1/memory');
  });

  it('a machine whose disks will be replaced: the folder of the later ones, and what they lie on', () => {
    const exchange = { folder: '/s', readable: ['/c/later.img', '/s/owner.json'] };
    expect(machineReach({ ...clone, exchange })).toEqual({
      readable: [
        ...['/t/root.overlay', '/c/app.img', '/s/params.iso', '/b/root.img', '/c/later.img', '/s/owner.json'],
      ],
      writable: ['/s/output.img', '/t,1/memory', '/s/root.overlay', '/s/app.overlay', '/s'],
    });
  });
});
