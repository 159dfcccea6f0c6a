import { type Duplex, duplexPair } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Disk } from '../../src/vmm/driver.js';
import { changeMedium, exchangeDisks } from '../../src/vmm/qemu/exchange.js';
import { plugDisk, unplugDisk } from '../../src/vmm/qemu/hot-plug.js';
import { QmpClient } from '../../src/vmm/qemu/qmp.js';
import { QmpLines } from '../../src/vmm/qemu/qmp-lines.js';

/** Plays a QEMU with these devices; an answer for each command. */
function play(stream: Duplex, answer: (command: Command) => object): Command[] {
  const commands: Command[] = [];
  const lines = new QmpLines();
  stream.on('data', (chunk: Buffer) => {
    for (const line of lines.push(chunk)) {
      const { id, ...command } = JSON.parse(line) as Command & { id: number };
      commands.push(command);
      // Not while it is being written to: a pair of streams would stop there.
      setImmediate(() => stream.write(`${JSON.stringify({ id, ...answer(command) })}\n`));
    }
  });
  stream.write('{"QMP": {}}\n');
  return commands;
}

interface Command {
  readonly execute: string;
  readonly arguments?: Readonly<Record<string, unknown>>;
}

let client: QmpClient;
let qemu: Duplex;
beforeEach(() => {
  const [ours, theirs] = duplexPair();
  client = new QmpClient(ours);
  qemu = theirs;
});
afterEach(() => client.close());

test('a CD goes into the drive of the control channel, raw, for reading only, and not by force', async () => {
  const commands = play(qemu, () => ({ return: {} }));
  await changeMedium(client, '/s/inserted/1.iso');
  expect(commands.slice(1)).toEqual([
    {
      execute: 'blockdev-change-medium',
      arguments: {
        id: 'insert',
        filename: '/s/inserted/1.iso',
        format: 'raw',
        'read-only-mode': 'read-only',
      },
    },
  ]);
});

const plugged = {
  execute: 'device_add',
  arguments: {
    ...{ driver: 'scsi-hd', id: 'plugged', drive: 'plugged', serial: 'gva-plugged' },
    ...{ bus: 'insert-bus.0', 'scsi-id': 1, lun: 0 },
  },
};
const node = { execute: 'blockdev-del', arguments: { 'node-name': 'plugged' } };

test('a disk is plugged in for reading only, and its image let go when QEMU says that the device is gone', async () => {
  const commands = play(qemu, ({ execute }) => {
    if (execute === 'device_del')
      setTimeout(() => qemu.write('{"event": "DEVICE_DELETED", "data": {"device": "plugged"}}\n'), 20);
    return { return: {} };
  });
  await plugDisk(client, '/s/inserted/1.iso');
  await unplugDisk(client);
  expect(commands.slice(1)).toEqual([
    {
      execute: 'blockdev-add',
      arguments: {
        ...{ 'node-name': 'plugged', driver: 'raw', 'read-only': true },
        file: { driver: 'file', filename: '/s/inserted/1.iso' },
      },
    },
    plugged,
    { execute: 'device_del', arguments: { id: 'plugged' } },
    node,
  ]);
});

test('where there can be no such device, nothing stays of the disk', async () => {
  const error = { class: 'GenericError', desc: 'no such bus' };
  const commands = play(qemu, ({ execute }) => (execute === 'device_add' ? { error } : { return: {} }));
  await expect(plugDisk(client, '/s/inserted/1.iso')).rejects.toThrow('no such bus');
  expect(commands.at(-1)).toEqual(node);
});

const blocks = ['root', 'app', 'output', 'cdrom'].map((device, slot) => ({
  device,
  qdev: `/machine/peripheral-anon/device[${slot}]/virtio-backend`,
}));
const answers = ({ execute }: Command) => ({ return: execute === 'query-block' ? blocks : {} });

const disks: Disk[] = [
  { id: 'app', image: '/c/a,pp.img', size: 64 << 20, access: 'overlay', overlay: '/s/app.overlay' },
  { id: 'output', image: '/s/output.img', size: 1, access: 'read-write' },
  { id: 'cdrom', image: '/s/params.iso', size: 1, access: 'read-only' },
];

test('each disk becomes a node of its own, as the command line has it, and the device gets it', async () => {
  const commands = play(qemu, answers);
  await exchangeDisks(client, disks, 7);
  const common = { discard: 'unmap', cache: { direct: false, 'no-flush': true } };
  const device = (slot: number) => `/machine/peripheral-anon/device[${slot}]/virtio-backend`;
  const give = (slot: number, value: string) => ({
    execute: 'qom-set',
    arguments: { path: device(slot), property: 'drive', value },
  });
  const add = (node: object) => ({ execute: 'blockdev-add', arguments: { ...common, ...node } });
  expect(commands).toEqual([
    { execute: 'qmp_capabilities' },
    { execute: 'query-block', arguments: {} },
    add({
      ...{ 'node-name': 'app-7', driver: 'qcow2', 'read-only': false },
      file: { driver: 'file', filename: '/s/app.overlay' },
      backing: {
        ...{ driver: 'raw', 'read-only': true },
        file: { driver: 'file', filename: '/c/a,pp.img', locking: 'off' },
      },
    }),
    give(1, 'app-7'),
    add({
      ...{ 'node-name': 'output-7', driver: 'raw', 'read-only': false },
      file: { driver: 'file', filename: '/s/output.img' },
    }),
    give(2, 'output-7'),
    add({
      ...{ 'node-name': 'cdrom-7', driver: 'raw', 'read-only': true },
      file: { driver: 'file', filename: '/s/params.iso' },
    }),
    give(3, 'cdrom-7'),
  ]);
});

test('what QEMU refuses is told, when all have been answered', async () => {
  const error = { class: 'GenericError', desc: "Could not open '/s/output.img'" };
  const commands = play(qemu, (command) =>
    command.arguments?.['node-name'] === 'output-1' ? { error } : answers(command),
  );
  await expect(exchangeDisks(client, disks, 1)).rejects.toThrow(/blockdev-add.*Could not open/);
  expect(commands).toHaveLength(8);
});

test('a machine without such a disk gets none', async () => {
  const commands = play(qemu, ({ execute }) => ({
    return: execute === 'query-block' ? blocks.slice(0, 2) : {},
  }));
  await expect(exchangeDisks(client, disks, 1)).rejects.toThrow('it has no disk output');
  expect(commands.map(({ execute }) => execute)).not.toContain('qom-set');
});
