import { readFile } from 'node:fs/promises';
import { isoBytes } from '../../disk/iso9660/index.js';
import type { MediumEntry } from '../../disk/medium-entry.js';
import { guestFile } from '../../system/package.js';
import { oneFileInstaller } from './files.js';

/** The volume that cloud-init takes for its data source "NoCloud". */
export const installerVolume = 'cidata';

/** What a shell in the guest does to install from the CD: one line, for root or who may become it by sudo. */
export const adoptCommand = [
  `d=$(findfs LABEL=${installerVolume} 2>/dev/null || blkid -L ${installerVolume})`,
  'mkdir -p /run/gva-cd && mount -o ro "$d" /run/gva-cd && sh /run/gva-cd/adopt',
].join('; ');

/**
 * A CD with the installer, for a person (`sh install.sh`) and, with `adopt`, for a guest that runs it by itself:
 * cloud-init finds its user data there.
 */
export async function installerDisc(adopt = false): Promise<Uint8Array> {
  const file = (path: string, text: string): MediumEntry => ({
    ...{ kind: 'file', path, mode: 0o755 },
    content: Buffer.from(text),
  });
  const entries = [file('install.sh', await oneFileInstaller())];
  if (!adopt) return isoBytes(entries, { volumeId: 'GVAD' });
  return isoBytes(
    [
      ...entries,
      file('adopt', await readFile(guestFile('install/adopt'), 'utf8')),
      file('meta-data', 'instance-id: gva-adopt\n'),
      file('user-data', `#!/bin/sh\n${adoptCommand}\n`),
    ],
    { volumeId: installerVolume },
  );
}
