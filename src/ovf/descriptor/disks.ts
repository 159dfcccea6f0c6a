import { type DiskRole, type EnvelopeDisk, diskRoles } from '../../model/envelope.js';
import { GVA_NAMESPACE } from './namespaces.js';
import { parseBytes, parseWhole, safeNumber } from './numbers.js';
import { present } from './present.js';
import { type Reading, attribute, checkChildren, childrenNamed, requiredAttribute } from './reading.js';
import { quoted } from './text.js';
import type { XmlElement } from './xml.js';

/** The value of a property that a capacity stands for, by the key that a guest sees. */
export type Defaults = ReadonlyMap<string, string>;

/** The virtual disks of a DiskSection or SharedDiskSection (DSP0243 1.1.0, 9.1). */
export function readDisks(reading: Reading, section: XmlElement, defaults: Defaults): EnvelopeDisk[] {
  checkChildren(reading, section, new Set(['Info', 'Disk', 'SharedDisk']));
  const elements = [...childrenNamed(section, 'Disk'), ...childrenNamed(section, 'SharedDisk')];
  return elements.map((each) => readDisk(reading, each, defaults)).filter((disk) => disk !== undefined);
}

function readDisk(reading: Reading, element: XmlElement, defaults: Defaults): EnvelopeDisk | undefined {
  const id = requiredAttribute(reading, element, 'diskId');
  const capacity = readCapacity(reading, element, defaults);
  const populatedSize = readPopulatedSize(reading, element, capacity);
  if (optional(element, 'parentRef') !== undefined)
    reading.problems.error(element, 'the disk holds only what differs from another one (ovf:parentRef)');
  if (id === undefined) return undefined;
  const disk: EnvelopeDisk = {
    id,
    ...present({
      fileRef: optional(element, 'fileRef'),
      capacity,
      populatedSize,
      format: optional(element, 'format'),
      interface: optional(element, 'disk-interface'),
      role: readRole(reading, element),
    }),
  };
  reading.origins.set(disk, element);
  return disk;
}

/** Attributes that are there but empty mean nothing: VMware's ova-compose writes `ovf:fileRef=""`. */
function optional(element: XmlElement, name: string): string | undefined {
  const value = attribute(element, name)?.trim();
  return value === '' ? undefined : value;
}

function readCapacity(reading: Reading, element: XmlElement, defaults: Defaults): number | undefined {
  const { text, unit } = capacityText(element);
  if (text === undefined) {
    reading.problems.error(element, 'Disk has no attribute ovf:capacity');
    return undefined;
  }
  const key = /^\s*\$\{(.*)\}\s*$/s.exec(text)?.[1];
  const written = key === undefined ? text : defaults.get(key);
  if (written === undefined) {
    reading.problems.error(element, `ovf:capacity=${quoted(text)} names no property that has a value`);
    return undefined;
  }
  const bytes = parseBytes(written, unit);
  const capacity = bytes === undefined || bytes === 0n ? undefined : safeNumber(bytes);
  if (capacity === undefined) reportCapacity(reading, element, written, unit, bytes);
  return capacity;
}

/** oVirt gives it as `ovf:size` in GiB. */
function capacityText(element: XmlElement): { text: string | undefined; unit: string } {
  const text = optional(element, 'capacity');
  const size = optional(element, 'size');
  if (text === undefined && size !== undefined) return { text: size, unit: 'byte * 2^30' };
  return { text, unit: optional(element, 'capacityAllocationUnits') ?? 'byte' };
}

function reportCapacity(
  reading: Reading,
  element: XmlElement,
  text: string,
  unit: string,
  bytes: bigint | undefined,
): void {
  const capacity = `a capacity of ${quoted(text)} in units of ${quoted(unit)}`;
  const why = bytes === undefined ? 'is no size' : bytes === 0n ? 'is none' : 'is beyond every disk';
  reading.problems.error(element, `${capacity} ${why}`);
}

/** A hint of the producer, in bytes always. */
function readPopulatedSize(
  reading: Reading,
  element: XmlElement,
  capacity: number | undefined,
): number | undefined {
  const text = optional(element, 'populatedSize');
  if (text === undefined) return undefined;
  const value = parseWhole(text);
  if (value === undefined)
    reading.problems.warning(element, `ovf:populatedSize=${quoted(text)} is no size in bytes`);
  else if (capacity !== undefined && value > BigInt(capacity))
    reading.problems.error(element, `a disk of ${capacity} bytes cannot hold ${value} (ovf:populatedSize)`);
  return value === undefined ? undefined : safeNumber(value);
}

function readRole(reading: Reading, element: XmlElement): DiskRole | undefined {
  const written = element.attributes.find((each) => each.name === 'role' && each.namespace === GVA_NAMESPACE);
  if (written === undefined) return undefined;
  const role = diskRoles.find((each) => each === written.value);
  if (role === undefined) reading.problems.warning(element, `gva:role=${quoted(written.value)} is not known`);
  return role;
}
