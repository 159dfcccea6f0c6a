import { createOverlay } from '../../disk/qcow2/overlay.js';
import type { Disk } from '../driver.js';

/** Makes the overlays of disks that have one. */
export async function makeOverlays(disks: readonly Disk[]): Promise<void> {
  for (const { access, overlay, image, size, backing } of disks)
    if (access === 'overlay' && overlay !== undefined)
      await createOverlay(overlay, image, size, backing === undefined ? 'raw' : 'qcow2');
}
