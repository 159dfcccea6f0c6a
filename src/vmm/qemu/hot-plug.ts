import { insertBus } from './arguments.js';
import type { QmpClient } from './qmp.js';

/** Of the disk that is plugged in: its node and its device. */
const name = 'plugged';

/**
 * Adds a disk with a raw image to the SCSI bus of the control channel, for reading only; there must be none.
 *
 * @throws GvaError QMP_REFUSED, QMP_TIMEOUT, QMP_ENDED
 */
export async function plugDisk(qmp: QmpClient, image: string): Promise<void> {
  const file = { driver: 'file', filename: image };
  await qmp.execute('blockdev-add', { 'node-name': name, driver: 'raw', 'read-only': true, file });
  try {
    const place = { bus: `${insertBus}.0`, 'scsi-id': 1, lun: 0 };
    await qmp.execute('device_add', {
      driver: 'scsi-hd',
      id: name,
      drive: name,
      serial: 'gva-plugged',
      ...place,
    });
  } catch (error) {
    await qmp.execute('blockdev-del', { 'node-name': name });
    throw error;
  }
}

/** Takes it out again, which QEMU may do later than it says. @throws as `plugDisk` */
export async function unplugDisk(qmp: QmpClient): Promise<void> {
  const gone = new Promise<void>((resolve) => {
    const end = qmp.listen(({ name: event, data }) => {
      if (event !== 'DEVICE_DELETED' || data['device'] !== name) return;
      end();
      resolve();
    });
  });
  await qmp.execute('device_del', { id: name });
  await Promise.race([gone, qmp.ended.then((error) => Promise.reject(error))]);
  await qmp.execute('blockdev-del', { 'node-name': name });
}
