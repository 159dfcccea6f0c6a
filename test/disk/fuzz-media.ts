import { fatBytes, openFat } from '../../src/disk/fat/index.js';
import { isoBytes, openIso, type MediumEntry } from '../../src/disk/iso9660/index.js';
import { changeAnywhere, EVIL_NAMES, usedPlace, type FuzzTarget, type Random } from './fuzz.js';

const file = (path: string, text: string): MediumEntry => ({
  kind: 'file',
  path,
  content: Buffer.from(text),
});

const plants: MediumEntry[] = [
  ...Array.from({ length: 20 }, (_, n) => file(`many/${'n'.repeat(n)}${n}`, `${n}`)),
  file('a/b/c/d', 'deep'),
  file('a/large', 'large '.repeat(7000)),
  file(`a/${'long name '.repeat(20)}end`, 'x'),
  file('mode', 'x'),
];

const links: MediumEntry[] = [
  { kind: 'symlink', path: 'a/near', target: '../many/1' },
  { kind: 'symlink', path: 'a/far', target: '../../../../../../etc/passwd' },
  { kind: 'symlink', path: 'a/long', target: `b/${'../b/'.repeat(60)}c` },
  { kind: 'symlink', path: 'absolute', target: '/etc/passwd' },
];

/** With Rock Ridge, without, and without both. */
export function isoTarget(): FuzzTarget {
  const whole = Buffer.from(isoBytes([...plants, ...links], { volumeId: 'FUZZ' }));
  const joliet = Buffer.from(whole);
  joliet.write('XX', joliet.readUInt32LE(16 * SECTOR + 158) * SECTOR + 34);
  const plain = Buffer.from(joliet);
  plain.fill(0, 17 * SECTOR + 88, 17 * SECTOR + 91);
  return { images: [whole, whole, joliet, plain], open: openIso, change: changeIso };
}

const SECTOR = 2048;

/** Half of the changes are made to fields of directory records, found by their look. */
function changeIso(bytes: Buffer, random: Random): void {
  const at = random.below(2) === 0 ? recordBehind(bytes, random) : undefined;
  if (at === undefined) {
    changeAnywhere(bytes, random);
    return;
  }
  switch (random.below(6)) {
    case 0:
      bytes[at] = random.below(256);
      break;
    case 1:
      bytes.writeUInt32LE(random.number(), at + random.pick([2, 10]));
      break;
    case 2:
      bytes[at + 25] = random.pick([0, 2, 4, 0x80, 0x82]);
      break;
    case 3:
      bytes[at + 32] = random.below(256);
      break;
    case 4:
      bytes.write(random.pick(EVIL_NAMES), at + 33, 'latin1');
      break;
    default:
      changeAttribute(bytes, at, random);
  }
}

/** Length, flags or value of a system use entry. */
function changeAttribute(bytes: Buffer, record: number, random: Random): void {
  const signature = random.pick(['NM', 'SL', 'PX', 'TF', 'CE']);
  const at = bytes.subarray(record, record + 256).indexOf(signature, 33, 'latin1');
  if (at < 0) return;
  const field = record + at + random.pick([0, 2, 4, 5, 8, 12, 20]);
  if (random.below(3) === 0) bytes.write(random.pick(EVIL_NAMES), field, 'latin1');
  else bytes.writeUInt32LE(random.number(), field);
}

/** The first place behind a random one where a number stands in both orders, as in a directory record. */
function recordBehind(bytes: Buffer, random: Random): number | undefined {
  for (let at = usedPlace(bytes, random) & ~1; at < bytes.length - 600; at += 2) {
    const length = bytes[at]!;
    const looksLikeRecord = length > 33 && bytes.readUInt32LE(at + 2) === bytes.readUInt32BE(at + 6);
    if (looksLikeRecord && bytes.readUInt32LE(at + 10) === bytes.readUInt32BE(at + 14)) return at;
  }
  return undefined;
}

export function fatTarget(): FuzzTarget {
  const floppy = Buffer.from(fatBytes(plants, { label: 'FUZZ' }));
  const fat16 = Buffer.from(fatBytes(plants, { label: 'FUZZ', type: 'fat16', size: 3 << 20 }));
  return { images: [floppy, floppy, fat16, smallFat32(fat16)], open: openFat, change: changeFat };
}

/** FAT32 of few clusters, as the writer does not make it: 33 MiB would take most of the time. */
function smallFat32(fat16: Buffer): Buffer {
  const fat32 = Buffer.from(fatBytes(plants, { label: 'FUZZ', type: 'fat32' }));
  const used = 32 * 512 + 2 * fat32.readUInt32LE(36) * 512 + (512 << 10);
  const image = fat32.subarray(0, Math.max(used, fat16.length));
  image.writeUInt32LE(image.length / 512, 32);
  return image;
}

/** Where things are in the images above. */
function places(bytes: Buffer): { table: number; data: number } {
  const isFat32 = bytes.readUInt16LE(22) === 0;
  const table = bytes.readUInt16LE(14) * 512;
  const sectors = isFat32 ? bytes.readUInt32LE(36) : bytes.readUInt16LE(22);
  return { table: table % bytes.length, data: Math.min(table + 2 * sectors * 512, bytes.length - 65_536) };
}

/** Changes to the first table, to directory entries, anywhere, and now and then to the boot sector. */
function changeFat(bytes: Buffer, random: Random): void {
  const { table, data } = places(bytes);
  const kind = random.below(3);
  if (random.below(24) === 0) {
    const at = 11 + random.below(60);
    if (random.below(2) === 0) bytes[at] = random.below(256);
    else bytes.writeUInt16LE(random.number() & 0xffff, at);
  } else if (kind === 0) {
    const at = table + random.below(300);
    if (random.below(2) === 0) bytes[at] = random.below(256);
    else bytes.writeUInt16LE(random.number() & 0xffff, at);
  } else if (kind === 1) changeEntry(bytes.subarray(data & ~31), random);
  else changeAnywhere(bytes, random);
}

/** Marks, name, attributes, case, checksum, clusters and size of an entry in the first 24 KiB of directories. */
function changeEntry(bytes: Buffer, random: Random): void {
  let at = 32 * random.below(768);
  while (at > 0 && bytes[at] === 0) at -= 32;
  const entry = bytes.subarray(at, at + 32);
  switch (random.below(5)) {
    case 0:
      entry[0] = random.pick([0, 5, 0xe5, 0x41, 0x2e, random.below(256)]);
      break;
    case 1:
      entry[11] = random.pick([0, 1, 8, 0x0f, 0x10, 0x20, random.below(256)]);
      break;
    case 2:
      entry.write(random.pick(EVIL_NAMES), random.pick([0, 1]), random.pick(['latin1', 'utf16le']));
      break;
    case 3:
      entry.writeUInt16LE(random.number() & 0xffff, random.pick([12, 20, 26]));
      break;
    default:
      entry.writeUInt32LE(random.number(), 28);
  }
}
