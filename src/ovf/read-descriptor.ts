import type { Envelope, ProductSection } from '../model/envelope.js';
import { checkReferences } from './descriptor/cross-references.js';
import { readDisks } from './descriptor/disks.js';
import { readConfigurations, readNetworks } from './descriptor/envelope-sections.js';
import { OVIRT_NAMESPACE, dialectOf } from './descriptor/namespaces.js';
import { Problems } from './descriptor/problems.js';
import type { Reading } from './descriptor/reading.js';
import { readReferences } from './descriptor/references.js';
import { sectionsOf } from './descriptor/sections.js';
import { readStrings } from './descriptor/strings.js';
import { quoted } from './descriptor/text.js';
import { readContents } from './descriptor/virtual-system.js';
import { type XmlElement, parseXml, refusal } from './descriptor/xml.js';
import { propertyName } from './property-name.js';

/** Bytes. The largest descriptors known have some hundred thousand, with licences in a dozen languages. */
export const MAX_DESCRIPTOR_SIZE = 4 * 2 ** 20;

/**
 * Reads an OVF descriptor of any dialect and any producer. What is wrong with it is in `problems`: it can be run
 * only where none is an error.
 *
 * @param name of the member or file, for messages
 * @param maxSize bytes
 * @throws GvaError OVF_DESCRIPTOR where it is no XML, or no envelope
 */
export function readDescriptor(xml: Uint8Array, name: string, maxSize = MAX_DESCRIPTOR_SIZE): Envelope {
  if (xml.length > maxSize)
    throw refusal(`${name} has ${xml.length} bytes; descriptors may have ${maxSize} at most`);
  const { root, complaints } = parseXml(xml, name);
  const dialect = root.name === 'Envelope' ? dialectOf(root.namespace) : undefined;
  if (dialect === undefined)
    throw refusal(
      `${name} is no OVF descriptor: its root is ${quoted(root.name)} of the namespace ${quoted(root.namespace)}`,
    );
  const problems = new Problems(name);
  for (const { line, message } of complaints) problems.complaint(line, message);
  const reading: Reading = {
    problems,
    lenient: root.namespace === OVIRT_NAMESPACE,
    strings: readStrings(root),
    origins: new Map(),
  };
  const envelope = { dialect, ...readEnvelope(reading, root) };
  return { ...envelope, problems: problems.list() };
}

function readEnvelope(reading: Reading, root: XmlElement): Omit<Envelope, 'dialect' | 'problems'> {
  const sections = sectionsOf(reading, root, 'Envelope');
  const all = (...names: string[]) => names.flatMap((name) => sections.get(name) ?? []);
  const { systems, collection, products } = readContents(reading, root);
  if (systems.length === 0) reading.problems.error(root, 'the envelope has no virtual system');
  const defaults = defaultsOf(products);
  const envelope = {
    files: readReferences(reading, root),
    disks: all('DiskSection', 'SharedDiskSection').flatMap((each) => readDisks(reading, each, defaults)),
    networks: all('NetworkSection').flatMap((each) => readNetworks(reading, each)),
    configurations: all('DeploymentOptionSection').flatMap((each) => readConfigurations(reading, each)),
    systems,
    collection,
  };
  checkReferences(reading, envelope, products);
  return envelope;
}

/** Values that capacities may refer to, by the key alone and by the name that the guest sees. */
function defaultsOf(products: readonly ProductSection[]): ReadonlyMap<string, string> {
  const defaults = new Map<string, string>();
  for (const product of products)
    for (const property of product.properties)
      for (const key of [propertyName(product, property), property.key])
        if (property.value !== undefined && !defaults.has(key)) defaults.set(key, property.value);
  return defaults;
}
