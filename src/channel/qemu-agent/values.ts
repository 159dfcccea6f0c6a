import { ExitCode, GvaError } from '../../system/errors.js';
import type { Json } from './client.js';

/** A number that an agent must have given. @throws GvaError CHANNEL */
export function numberOf(value: Json | undefined): number {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  throw nonsense();
}

export const nonsense = () =>
  new GvaError('CHANNEL', 'the QEMU guest agent answers something else than it should', {
    exitCode: ExitCode.infrastructure,
  });
