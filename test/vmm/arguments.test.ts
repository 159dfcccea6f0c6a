import { describe, expect, it } from 'vitest';
import type { MachineSpec } from '../../src/vmm/driver.js';
import { type QemuHost, qemuArguments } from '../../src/vmm/qemu/arguments.js';
import { kvmProbeArguments } from '../../src/vmm/qemu/kvm-probe.js';
import { umlArguments } from '../../src/vmm/uml/arguments.js';

const spec: MachineSpec = {
  id: 'x-1',
  cpus: 2,
  memory: 300 << 20,
  boot: { kind: 'direct', kernel: '/b/vmlinux', initrd: '/b/initrd.img' },
  disks: [
    { id: 'root', image: '/b/root.img', size: 1, access: 'overlay', overlay: '/s,t/root.overlay' },
    { id: 'output', image: '/s/output.img', size: 1, access: 'read-write' },
    { id: 'cdrom', image: '/s/params.iso', size: 1, access: 'read-only' },
  ],
  folders: { uml: '/s/uml', hostfs: '/s/hostfs' },
};

const tcg: QemuHost = { accelerator: 'tcg', sandbox: true, dataFolders: [] };

/** The whole line, a pair of option and value as one string. */
const pairs = (args: string[]) => args.join(' ').split(/ (?=-)/);

describe('command lines', () => {
  it('QEMU by emulation: all of it', () => {
    expect(pairs(qemuArguments(spec, tcg))).toEqual([
      '-name gva-x-1',
      '-machine q35,sata=off,smbus=off,usb=off,vmport=off,smm=off,i8042=off,graphics=off',
      '-accel tcg',
      '-cpu max,-erms',
      '-m size=300M',
      '-smp cpus=2',
      '-nodefaults',
      '-no-user-config',
      '-display none',
      '-no-reboot',
      '-sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny',
      '-kernel /b/vmlinux',
      '-initrd /b/initrd.img',
      '-append console=ttyS1 quiet panic=-1 no_timer_check tsc=reliable random.trust_cpu=on audit=0 cryptomgr.notests nokaslr mitigations=off nopti root=/dev/vda gva.output=vdb gva.cdrom=vdc',
      '-chardev socket,id=events,fd=4',
      '-serial chardev:events',
      '-chardev socket,id=console,fd=5',
      '-serial chardev:console',
      '-chardev socket,id=qmp,fd=6',
      '-mon chardev=qmp,mode=control',
      '-drive file=/s,,t/root.overlay,format=qcow2,if=none,id=root,readonly=off,backing.file.locking=off,cache=unsafe,discard=unmap',
      '-device virtio-blk-pci,drive=root,serial=gva-root',
      '-drive file=/s/output.img,format=raw,if=none,id=output,readonly=off,cache=unsafe,discard=unmap',
      '-device virtio-blk-pci,drive=output,serial=gva-output',
      '-drive file=/s/params.iso,format=raw,if=none,id=cdrom,readonly=on,cache=unsafe,discard=unmap',
      '-device virtio-blk-pci,drive=cdrom,serial=gva-cdrom',
    ]);
  });

  it('QEMU by KVM differs in accelerator, CPU and what only emulation allows', () => {
    const emulated = pairs(qemuArguments(spec, tcg));
    const kvm = pairs(qemuArguments(spec, { ...tcg, accelerator: 'kvm' }));
    expect(kvm.filter((pair) => !emulated.includes(pair))).toEqual([
      '-accel kvm',
      '-cpu host',
      '-append console=ttyS1 quiet panic=-1 no_timer_check audit=0 cryptomgr.notests nokaslr mitigations=off nopti root=/dev/vda gva.output=vdb gva.cdrom=vdc',
    ]);
    expect(kvm).toHaveLength(emulated.length);
  });

  it('QEMU for ARM64: all that is other', () => {
    const x86 = pairs(qemuArguments(spec, tcg));
    const arm = pairs(qemuArguments(spec, { ...tcg, arch: 'aarch64' }));
    expect(arm.filter((pair) => !x86.includes(pair))).toEqual([
      '-machine virt,gic-version=3,acpi=off',
      '-cpu max',
      '-append console=ttyS0 gva.events=ttyAMA0 quiet panic=-1 random.trust_cpu=on audit=0 cryptomgr.notests nokaslr mitigations=off root=/dev/vda gva.output=vdb gva.cdrom=vdc',
      '-device pci-serial,chardev=console',
    ]);
    expect(x86.filter((pair) => !arm.includes(pair))).toEqual([
      '-machine q35,sata=off,smbus=off,usb=off,vmport=off,smm=off,i8042=off,graphics=off',
      '-cpu max,-erms',
      expect.stringMatching(/^-append console=ttyS1 /) as string,
      '-serial chardev:console',
    ]);
    const boot = { kind: 'firmware', firmware: 'bios' } as const;
    expect(() => qemuArguments({ ...spec, boot }, { ...tcg, arch: 'aarch64' })).toThrow(
      'a machine of aarch64 cannot be booted by firmware yet',
    );
  });

  it('the console comes first where the system knows nothing of events', () => {
    const serial = (consoleFirst: boolean) =>
      pairs(qemuArguments({ ...spec, consoleFirst }, tcg)).filter((pair) => /serial chardev/.test(pair));
    expect(serial(false)).toEqual(['-serial chardev:events', '-serial chardev:console']);
    expect(serial(true)).toEqual(['-serial chardev:console', '-serial chardev:events']);
  });

  it('what there is for the service by network: a line behind the others, and a card that leads to nothing else', () => {
    for (const [channel, descriptor] of [
      [false, 7],
      [true, 8],
    ] as const) {
      const words = pairs(qemuArguments({ ...spec, channel, service: true }, tcg));
      expect(words).toEqual(
        expect.arrayContaining([
          `-chardev socket,id=service,fd=${descriptor}`,
          '-netdev user,id=service,ipv6=off,restrict=on,guestfwd=tcp:10.0.2.100:80-chardev:service',
          '-device virtio-net-pci,netdev=service,romfile=',
        ]),
      );
      expect(words.find((word) => word.startsWith('-append'))).toContain(' gva.service=10.0.2.100');
    }
  });

  it('what there is for the control channel: a line, an empty CD drive, and where the guest finds them', () => {
    const plain = pairs(qemuArguments(spec, tcg));
    const spoken = pairs(qemuArguments({ ...spec, channel: true, insertFolder: '/s/inserted' }, tcg));
    const words = 'gva.channel=virtio:org.gva.channel.0 gva.drives=sr0 gva.plugged=sda,sdb';
    expect(spoken.filter((pair) => !plain.includes(pair))).toEqual([
      expect.stringMatching(new RegExp(`^-append .* gva.cdrom=vdc ${words}$`)),
      '-chardev socket,id=channel,fd=7',
      '-device virtio-serial-pci',
      '-device virtserialport,chardev=channel,name=org.gva.channel.0',
      '-device virtio-scsi-pci,id=insert-bus',
      '-device scsi-cd,bus=insert-bus.0,id=insert',
    ]);
    const uml = (channel: boolean) => umlArguments({ ...spec, cpus: 1, channel });
    expect(uml(true).filter((word) => !uml(false).includes(word))).toEqual([
      'ssl1=fd:6,fd:6',
      'gva.channel=/dev/ttyS1',
    ]);
  });

  it('the trial of KVM has no disks and nothing to wait for', () => {
    const line = kvmProbeArguments('/b/vmlinux').join(' ');
    expect(line).toContain('-accel kvm');
    expect(line).not.toContain('-drive');
    expect(line).toContain('panic=-1');
  });

  it('User-mode Linux: all of it', () => {
    expect(umlArguments(spec)).toEqual([
      'ubd0=/s,t/root.overlay,/b/root.img',
      'ubd1=/s/output.img',
      'ubd2r=/s/params.iso',
      'root=/dev/ubda',
      'gva.output=ubdb',
      'gva.cdrom=ubdc',
      'rw',
      'init=/sbin/init',
      'quiet',
      'mem=300M',
      'con=null',
      'con0=null,fd:1',
      'ssl=null',
      'ssl0=fd:4,fd:4',
      'initcall_blacklist=raid6_select_algo,calibrate_xor_blocks,register_xor_blocks',
      'hostfs=/s/hostfs',
      'uml_dir=/s/uml/',
      'umid=guest',
    ]);
  });
});
