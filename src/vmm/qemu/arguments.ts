import { diskHints } from '../disk-hints.js';
import { type MachineSpec, serviceAddress } from '../driver.js';
import { consoleDescriptor, eventsDescriptor, firstSocketDescriptor } from '../supervisor.js';
import { diskArguments, escapeValue } from './disks.js';
import { type QemuHost, kernelCommandLine, machineArguments, serialArguments } from './machine.js';

export { type Accelerator, type QemuHost, kernelCommandLine, processorModel } from './machine.js';

/** What the sockets are that QEMU inherits besides, in their order. */
export type QemuSocket = 'monitor' | 'channel' | 'agent' | 'service';

export const socketsOf = (spec: Pick<MachineSpec, 'channel' | 'qemuAgent' | 'service'>): QemuSocket[] => [
  'monitor',
  ...(spec.channel ? (['channel'] as const) : []),
  ...(spec.qemuAgent ? (['agent'] as const) : []),
  ...(spec.service ? (['service'] as const) : []),
];

const descriptorOf = (spec: MachineSpec, socket: QemuSocket) =>
  firstSocketDescriptor + socketsOf(spec).indexOf(socket);

/** Of the port of a virtio serial device, by which the guest finds it. */
const channelName = 'org.gva.channel.0';

/** The SCSI bus that comes with it. */
export const insertBus = 'insert-bus';
/** Its CD drive, and what the guest calls that: it has no other of SCSI. */
export const insertDrive = 'insert';
const insertDevice = 'sr0';
/** What the guest calls disks that are plugged in: the second where something there still knows the one before. */
const pluggedDevices = 'sda,sdb';

/** The whole command line of a machine. Its options are known to every QEMU since 7.2. */
export function qemuArguments(spec: MachineSpec, host: QemuHost): string[] {
  const type = host.arch === 'aarch64' ? 'virt' : (spec.hardware?.machine ?? 'q35');
  return [
    ...['-name', `gva-${spec.id}`],
    ...host.dataFolders.flatMap((folder) => ['-L', folder]),
    ...machineArguments(spec, host),
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
    ...(host.sandbox ? sandbox : []),
    ...bootArguments(spec, host),
    ...serialPorts(spec).flatMap(([id, descriptor], index) => serialArguments(type, id, descriptor, index)),
    ...['-chardev', `socket,id=qmp,fd=${descriptorOf(spec, 'monitor')}`, '-mon', 'chardev=qmp,mode=control'],
    ...diskArguments(spec.disks, spec.hardware ?? {}, spec.boot.kind === 'firmware'),
    ...(spec.channel ? channelArguments(spec) : []),
    ...(spec.qemuAgent ? agentArguments(spec) : []),
    ...(spec.service ? serviceArguments(spec) : []),
    ...(spec.network ? network : []),
    // A device of PCs: the boards of other architectures have none.
    ...(spec.generationId && type !== 'virt' ? ['-device', 'vmgenid,guid=auto'] : []),
    // Until the monitor says from where.
    ...(spec.incoming ? ['-incoming', 'defer'] : []),
  ];
}

function serialPorts({ consoleFirst = false }: MachineSpec): [id: string, descriptor: number][] {
  const ports: [string, number][] = [
    ['events', eventsDescriptor],
    ['console', consoleDescriptor],
  ];
  return consoleFirst ? ports.reverse() : ports;
}

const channelArguments = (spec: MachineSpec) => [
  ...['-chardev', `socket,id=channel,fd=${descriptorOf(spec, 'channel')}`],
  ...['-device', 'virtio-serial-pci', '-device', `virtserialport,chardev=channel,name=${channelName}`],
  // A CD drive with nothing in it.
  ...['-device', `virtio-scsi-pci,id=${insertBus}`],
  ...['-device', `scsi-cd,bus=${insertBus}.0,id=${insertDrive}`],
];

/** The port that the QEMU guest agent takes where it is told of no other. */
const agentArguments = (spec: MachineSpec) => [
  ...['-chardev', `socket,id=agent,fd=${descriptorOf(spec, 'agent')}`],
  ...['-device', 'virtio-serial-pci', '-device', 'virtserialport,chardev=agent,name=org.qemu.guest_agent.0'],
];

/**
 * A network of QEMU's own in which nothing answers but that address; QEMU itself has none where it is confined. No connection
 * is made for it: what comes for the address goes to the socket.
 */
const serviceArguments = (spec: MachineSpec) => [
  ...['-chardev', `socket,id=service,fd=${descriptorOf(spec, 'service')}`],
  ...['-netdev', `user,id=service,ipv6=off,restrict=on,guestfwd=tcp:${serviceAddress}:80-chardev:service`],
  ...['-device', 'virtio-net-pci,netdev=service,romfile='],
];

/** In QEMU's own process, without rights: the guest is 10.0.2.15, the host 10.0.2.2, names are asked of 10.0.2.3. */
const network = ['-netdev', 'user,id=net,ipv6=off', '-device', 'virtio-net-pci,netdev=net,romfile='];

const sandbox = ['-sandbox', 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny'];

/**
 * A system that firmware boots may load a driver for pvpanic, by which QEMU itself tells of a panic. Our own
 * kernel would have to load it as a module at every boot; it says so on its console.
 */
function bootArguments(spec: MachineSpec, { arch, accelerator, uefiCode = '' }: QemuHost): string[] {
  const { boot, kernelOptions = [] } = spec;
  if (boot.kind === 'direct') {
    // A kernel that runs already is not read: 8 ms.
    if (spec.incoming) return [];
    const channel = spec.channel
      ? [`gva.channel=virtio:${channelName}`, `gva.drives=${insertDevice}`, `gva.plugged=${pluggedDevices}`]
      : [];
    const service = spec.service ? [`gva.service=${serviceAddress}`] : [];
    const commandLine = [
      kernelCommandLine(accelerator, arch),
      ...[...hints(spec), ...channel, ...service, ...kernelOptions],
    ].join(' ');
    return ['-kernel', boot.kernel, '-initrd', boot.initrd, '-append', commandLine];
  }
  return [
    ...(boot.firmware === 'uefi'
      ? [...flash(0, uefiCode, 'readonly=on'), ...flash(1, boot.variables, 'readonly=off')]
      : []),
    ...['-device', 'pvpanic-pci'],
  ];
}

/** Only virtio-blk has names that are known before: other controllers are found in any order. */
function hints({ disks, hardware = {} }: MachineSpec): string[] {
  const { controller = 'virtio-blk', cdDrive } = hardware;
  return controller === 'virtio-blk' && cdDrive === undefined ? diskHints(disks, 'vd') : [];
}

function flash(unit: number, file: string, access: string): string[] {
  return ['-drive', `if=pflash,unit=${unit},format=raw,${access},file=${escapeValue(file)}`];
}
