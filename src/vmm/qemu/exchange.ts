import type { Disk } from '../driver.js';
import { insertDrive } from './arguments.js';
import type { QmpClient } from './qmp.js';

/**
 * Has QEMU open the images of disks, and gives them to the devices that have disks of the same ids; those that were there
 * are closed. The guest sees other content, nothing else: the sizes must be the same.
 *
 * @param round tells the nodes of several calls apart
 */
export async function exchangeDisks(qmp: QmpClient, disks: readonly Disk[], round: number): Promise<void> {
  const devices = await deviceNames(qmp);
  const missing = disks.find(({ id }) => !devices.has(id));
  if (missing) throw new Error(`it has no disk ${missing.id}`);
  const steps = disks.flatMap((disk) => {
    const path = devices.get(disk.id);
    const node = blockNode(disk, `${disk.id}-${round}`);
    return [
      qmp.execute('blockdev-add', node),
      qmp.execute('qom-set', { path, property: 'drive', value: node['node-name'] }),
    ];
  });
  // All of them are sent before the first is answered; each has its end before somebody else is told of an error.
  const ends = await Promise.allSettled(steps);
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}

/** Puts a raw image into the CD drive of the control channel; not by force, where the guest has it locked. */
export async function changeMedium(qmp: QmpClient, image: string): Promise<void> {
  const medium = { filename: image, format: 'raw', 'read-only-mode': 'read-only' };
  await qmp.execute('blockdev-change-medium', { id: insertDrive, ...medium });
}

/** By disk, of the device that has it (QEMU QMP Reference Manual, "query-block"). */
async function deviceNames(qmp: QmpClient): Promise<Map<string, string>> {
  const blocks = (await qmp.execute('query-block')) as { device: string; qdev?: string }[];
  return new Map(blocks.flatMap(({ device, qdev }) => (qdev === undefined ? [] : [[device, qdev]])));
}

/** As `-drive` has it in disks.ts ("BlockdevOptions" of QEMU's QMP reference). */
export function blockNode(disk: Disk, name: string): Readonly<Record<string, unknown>> {
  const { access, image, overlay = '' } = disk;
  const common = {
    'node-name': name,
    'read-only': access === 'read-only',
    discard: 'unmap',
    cache: { direct: false, 'no-flush': true },
  };
  if (access !== 'overlay') return { ...common, driver: 'raw', file: { driver: 'file', filename: image } };
  return { ...common, driver: 'qcow2', file: { driver: 'file', filename: overlay }, backing: backing(image) };
}

const backing = (image: string) => ({
  ...{ driver: 'raw', 'read-only': true },
  file: { driver: 'file', filename: image, locking: 'off' },
});
