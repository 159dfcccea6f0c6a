import type { Disk } from './driver.js';

/**
 * Words for the kernel's command line that say where the root disk and the media are. GVAD looks there first, which
 * saves it a search of all disks for each; the label decides.
 *
 * @param prefix what the kernel calls disks, without their letter: `vd`, `ubd`
 */
export function diskHints(disks: readonly Disk[], prefix: string): string[] {
  const device = (index: number) => `${prefix}${String.fromCharCode('a'.charCodeAt(0) + index)}`;
  return disks.map(({ id }, index) =>
    id === 'root' ? `root=/dev/${device(index)}` : `gva.${id}=${device(index)}`,
  );
}
