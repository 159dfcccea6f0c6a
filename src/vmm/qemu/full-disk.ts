import type { QmpClient } from './qmp.js';

/** Seconds after which a machine that was stopped tries to write again. */
const pause = 5;

/**
 * QEMU stops a machine when a file of its disks cannot grow because the host's disk is full (`werror=enospc`, which is its
 * default): the guest notices nothing. This lets it go on, which does the write again: if there is still no room, QEMU
 * stops it again, and says so again (QEMU QMP Reference Manual, BLOCK_IO_ERROR).
 */
export function goOnWhenRoom(qmp: QmpClient, seconds = pause): void {
  let timer: NodeJS.Timeout | undefined;
  qmp.listen(({ name, data }) => {
    if (name !== 'BLOCK_IO_ERROR' || data['action'] !== 'stop') return;
    timer ??= setTimeout(() => {
      timer = undefined;
      // A QEMU that is gone by then makes no difference.
      qmp.execute('cont', {}, { timeout: 10_000 }).catch(() => undefined);
    }, seconds * 1000).unref();
  });
}
