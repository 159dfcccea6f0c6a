import { open } from 'node:fs/promises';
import type { Checkpoints, Disk } from '../../vmm/driver.js';
import { openLayer, withPieces } from './layers.js';

/**
 * Writes what a guest has written after checkpoints to its disk's own image, so that all is in one. To be done when the
 * machine has ended; doing it again changes nothing.
 *
 * @throws GvaError IMAGE_* where a layer cannot be read
 */
export async function bringTogether(disk: Pick<Disk, 'id' | 'image'>, machine: Checkpoints): Promise<void> {
  const files = machine.above(disk.id);
  if (files.length === 0) return;
  const image = await open(disk.image, 'r+');
  try {
    await withPieces(
      files.map((file) => () => openLayer(file)),
      async (pieces) => {
        for await (const { offset, length, bytes } of pieces)
          await image.write(bytes ?? Buffer.alloc(length), 0, length, offset);
      },
    );
  } finally {
    await image.close();
  }
}
