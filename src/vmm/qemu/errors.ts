import { GvaError } from '../../system/errors.js';

/** What was asked for is no machine that QEMU can make. */
export const hardwareError = (message: string, hint: string) =>
  new GvaError('QEMU_HARDWARE', message, { hint });
