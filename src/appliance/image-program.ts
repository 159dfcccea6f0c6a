import type { ApplianceManifest } from '../model/appliance.js';
import type { BaseManifest } from '../model/base.js';
import { GvaError } from '../system/errors.js';

/**
 * What runs where gva.yaml says nothing: the entry point of the container image that the base was made of (guest/oci/run).
 * Parameters take the place of the arguments that it has by itself.
 */
export const imageProgram = '/etc/gva/run $(cat /cdrom/param)';

/** @throws GvaError RUN_MISSING where the base has no program that it could run by itself */
export function checkImageProgram(
  { run }: ApplianceManifest,
  { name, defaults }: Pick<BaseManifest, 'name' | 'defaults'>,
): void {
  const { entrypoint = [], command = [] } = defaults ?? {};
  if (run !== imageProgram || entrypoint.length + command.length > 0) return;
  throw new GvaError(
    'RUN_MISSING',
    `gva.yaml has no run, and the base image ${name} has no program that it runs by itself`,
    {
      hint: 'Only bases of container images have one. Say what is to be run: run: ./PROGRAM $(cat /cdrom/param)',
    },
  );
}
