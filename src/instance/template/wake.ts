import { randomBytes, randomUUID } from 'node:crypto';
import { digestText } from '../../system/files.js';
import type { GuestEvent } from '../../model/guest-event.js';
import type { Disk } from '../../vmm/driver.js';

/** Raise when a template of an earlier version could not be woken by this one, or the other way round. */
export const wakeProtocol = 1;

/** What makes a clone a machine of its own. */
export interface WakeIdentity {
  readonly id: string;
  readonly hostname: string;
  /** 32 hexadecimal digits. */
  readonly machineId: string;
  /** A UUID. */
  readonly bootId: string;
  /** 32 bytes that nobody else has: it is in no log, event or file. */
  readonly seed: Buffer;
}

/** @param id of the instance */
export const newIdentity = (id: string): WakeIdentity => ({
  id: guestId(id),
  hostname: hostNameOf(id),
  machineId: randomBytes(16).toString('hex'),
  bootId: randomUUID(),
  seed: randomBytes(32),
});

/** The id as the guest takes it; what it does not take whole is told apart by a digest. */
function guestId(id: string): string {
  return /^[A-Za-z0-9._-]{1,128}$/.test(id)
    ? id
    : `${plain(id).slice(0, 100)}-${digestText(id).slice(0, 16)}`;
}

/** RFC 1123, 2.1: a label of up to 63 letters, digits and inner dashes. */
function hostNameOf(id: string): string {
  const name = plain(id)
    .replace(/[._]/g, '-')
    .replace(/^-+|-+$/g, '');
  if (name === id && name.length <= 63) return name;
  return `${name.slice(0, 50)}-${digestText(id).slice(0, 12)}`.replace(/^-+/, '');
}

const plain = (id: string) => id.replace(/[^A-Za-z0-9._-]/g, '-');

/**
 * The line that wakes a clone (docs/guest-contract.md, "Waking").
 *
 * @param devices medium to the guest's name of its device
 * @param now milliseconds since 1970
 */
export function wakeLine(
  { id, hostname, machineId, bootId, seed }: WakeIdentity,
  devices: Readonly<Record<string, string>>,
  now: number,
): string {
  const media = Object.entries(devices).map(([medium, device]) => `${medium}=${device}`);
  const words = [...clockWords(now), seed.toString('hex'), id, hostname, machineId, bootId, ...media];
  return `wake ${words.join(' ')}\n`;
}

/**
 * The line that tells a guest that it stood still: its clock, and what its random numbers follow from (docs/guest-contract.md,
 * "After a checkpoint").
 */
export const resumeLine = (now = Date.now(), seed = randomBytes(32)): string =>
  `resume ${clockWords(now).join(' ')} ${seed.toString('hex')}\n`;

/** Seconds and nanoseconds. */
function clockWords(now: number): [number, number] {
  const seconds = Math.floor(now / 1000);
  return [seconds, Math.floor((now - seconds * 1000) * 1e6)];
}

/**
 * Media of GVAD's among a clone's disks that it has not mounted yet, and the names that a Linux guest has for them behind
 * virtio-blk.
 */
export function wakeDevices(disks: readonly Pick<Disk, 'id' | 'backing'>[]): Record<string, string> {
  const known = ['app', 'data', 'output', 'cdrom'];
  const devices = disks.map(({ id, backing }, index) => {
    const isNew = backing === undefined && known.includes(id);
    return isNew ? [[id, `vd${String.fromCharCode(97 + index)}`] as const] : [];
  });
  return Object.fromEntries(devices.flat());
}

/** Why a clone that says this must not be used; undefined where it may. */
export function notAwake({ fields }: GuestEvent, { id }: WakeIdentity): string | undefined {
  if (fields['id'] !== id) return 'it says that it is another instance';
  if (fields['reseeded'] !== '1') return 'its random numbers are not its own';
  if (fields['clock'] !== '1') return 'its clock is not set';
  if (fields['flushed'] !== '1') return 'it may still see the disks of its template';
  return undefined;
}
