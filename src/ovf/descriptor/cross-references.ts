import type { Envelope, HardwareItem, ProductSection } from '../../model/envelope.js';
import { type HostResource, hostResourcesOf } from '../host-resource.js';
import { diskTypes, resource } from '../machine/controller-kind.js';
import type { Reading } from './reading.js';
import { quoted } from './text.js';

/** Tells of what refers to something that is not there. */
export function checkReferences(
  reading: Reading,
  envelope: Omit<Envelope, 'problems' | 'dialect'>,
  products: readonly ProductSection[],
): void {
  checkFileReferences(reading, envelope);
  checkDiskIds(reading, envelope);
  const resolve = hostResourcesOf(envelope);
  const networks = new Set(envelope.networks.map(({ name }) => name));
  for (const system of envelope.systems)
    for (const { items } of system.hardware)
      for (const item of items) {
        checkHostResources(reading, resolve, item);
        checkConnections(reading, networks, item);
      }
  checkConfigurations(reading, envelope, products);
}

/** Two disks may have the contents of one file: each gets a copy. */
function checkFileReferences(reading: Reading, { files, disks }: Pick<Envelope, 'files' | 'disks'>): void {
  const ids = new Set(files.flatMap(({ id, href }) => (reading.lenient ? [id, href] : [id])));
  const used = new Set<string>();
  for (const disk of disks) {
    const element = reading.origins.get(disk);
    if (disk.fileRef === undefined || element === undefined) continue;
    const name = quoted(disk.fileRef);
    if (!ids.has(disk.fileRef)) reading.problems.error(element, `there is no file with the id ${name}`);
    else if (used.has(disk.fileRef))
      reading.problems.warning(element, `another disk has the contents of file ${name}, too`);
    used.add(disk.fileRef);
  }
}

function checkDiskIds(reading: Reading, { disks }: Pick<Envelope, 'disks'>): void {
  const ids = new Set<string>();
  for (const disk of disks) {
    const element = reading.origins.get(disk);
    if (ids.has(disk.id) && element)
      reading.problems.error(element, `two disks have the id ${quoted(disk.id)}`);
    ids.add(disk.id);
  }
}

function checkHostResources(
  reading: Reading,
  resolve: (text: string) => HostResource,
  item: HardwareItem,
): void {
  const element = reading.origins.get(item);
  if (element === undefined) return;
  for (const text of item.hostResources) {
    const { kind } = resolve(text);
    if (kind === 'missing')
      reading.problems.fault(
        element,
        item.required,
        `${quoted(text)} is not in the package: no disk or file has this id`,
      );
    else if (kind === 'foreign')
      reading.problems.fault(
        element,
        item.required && diskTypes.includes(item.resourceType),
        `${quoted(text)} is outside of the package, and left out`,
      );
  }
}

function checkConnections(reading: Reading, networks: ReadonlySet<string>, item: HardwareItem): void {
  // XenServer's disks have connections, too.
  if (item.resourceType !== resource.ethernet) return;
  const element = reading.origins.get(item);
  for (const connection of item.connections)
    if (element && !networks.has(connection))
      reading.problems.warning(element, `the network ${quoted(connection)} is described nowhere`);
}

function checkConfigurations(
  reading: Reading,
  { configurations, systems }: Pick<Envelope, 'configurations' | 'systems'>,
  products: readonly ProductSection[],
): void {
  const known = new Set(configurations.map(({ id }) => id));
  const check = (from: object, ids: readonly string[]): void => {
    const element = reading.origins.get(from);
    for (const id of ids)
      if (element && !known.has(id))
        reading.problems.warning(
          element,
          `it is for a configuration ${quoted(id)}, which is described nowhere`,
        );
  };
  for (const { hardware } of systems)
    for (const { items } of hardware) for (const item of items) check(item, item.configurations);
  for (const { properties } of products)
    for (const property of properties)
      check(property, [...(property.configurations ?? []), ...Object.keys(property.values)]);
}
