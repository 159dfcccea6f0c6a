import { warmUps } from '../../model/appliance.js';
import type { GvaFacts, ProductSection, VirtualSystem } from '../../model/envelope.js';
import { readHardware } from './hardware.js';
import { GVA_NAMESPACE } from './namespaces.js';
import { parseWhole } from './numbers.js';
import { present } from './present.js';
import { readProducts } from './products.js';
import {
  type Reading,
  attribute,
  checkChildren,
  childrenNamed,
  childText,
  reportUnknown,
  requiredAttribute,
  textOf,
} from './reading.js';
import { sectionName, sectionsOf } from './sections.js';
import { quoted } from './text.js';
import { firmwareOfVirtualBox } from './virtualbox.js';
import type { XmlElement } from './xml.js';

/** What the content of an envelope holds. */
export interface Contents {
  readonly systems: readonly VirtualSystem[];
  readonly collection: boolean;
  /** Of systems and collections, each once. */
  readonly products: readonly ProductSection[];
}

type Sections = ReadonlyMap<string, readonly XmlElement[]>;

/** A collection of more is none that anybody deploys; what they inherit would multiply. */
const MAX_SYSTEMS = 128;

/** The virtual systems of an envelope, also those in collections of collections (DSP0243 1.1.0, 7.2). */
export function readContents(reading: Reading, envelope: XmlElement): Contents {
  const found: Found = { systems: [], products: [], collection: false };
  visit(reading, envelope, [], found);
  checkIds(reading, found.systems);
  return found;
}

interface Found {
  readonly systems: VirtualSystem[];
  readonly products: ProductSection[];
  collection: boolean;
}

function visit(
  reading: Reading,
  parent: XmlElement,
  inherited: readonly ProductSection[],
  found: Found,
): void {
  for (const element of contentElements(reading, parent))
    if (sectionName(element) === 'VirtualSystem') visitSystem(reading, element, inherited, found);
    else {
      found.collection = true;
      const own = readCollection(reading, element);
      for (const product of own) found.products.push(product);
      visit(reading, element, own, found);
    }
}

function visitSystem(
  reading: Reading,
  element: XmlElement,
  inherited: readonly ProductSection[],
  { systems, products }: Found,
): void {
  if (systems.length === MAX_SYSTEMS) {
    reading.problems.error(element, `no more than ${MAX_SYSTEMS} virtual systems are read`);
    return;
  }
  const system = readSystem(reading, element, inherited);
  systems.push(system);
  for (const product of system.products.slice(inherited.length)) products.push(product);
}

function contentElements(reading: Reading, parent: XmlElement): XmlElement[] {
  return parent.children.filter((element) => {
    const name = sectionName(element);
    if (name === 'VirtualSystem' || name === 'VirtualSystemCollection') return true;
    if (name === 'Content') reading.problems.error(element, 'Content has no xsi:type, which says what it is');
    else if (element.name === 'Content') reportUnknown(reading, element, name);
    return false;
  });
}

/** Sections that only tell a manager of several machines what to do with them. */
function readCollection(reading: Reading, element: XmlElement): ProductSection[] {
  requiredAttribute(reading, element, 'id');
  warnWithoutInfo(reading, element);
  const sections = sectionsOf(reading, element, 'VirtualSystemCollection');
  return readProducts(reading, sections.get('ProductSection') ?? []);
}

function readSystem(
  reading: Reading,
  element: XmlElement,
  inherited: readonly ProductSection[],
): VirtualSystem {
  const id = requiredAttribute(reading, element, 'id') ?? '';
  warnWithoutInfo(reading, element);
  const sections = sectionsOf(reading, element, 'VirtualSystem');
  const system: VirtualSystem = {
    id,
    ...present({
      name: childText(reading, element, 'Name'),
      operatingSystem: readOperatingSystem(reading, sections),
      annotation: joined(readTexts(reading, sections, 'AnnotationSection', 'Annotation')),
      gva: readFacts(reading, element),
    }),
    eulas: readTexts(reading, sections, 'EulaSection', 'License'),
    products: [...inherited, ...readProducts(reading, sections.get('ProductSection') ?? [])],
    hardware: readHardwares(reading, element, sections),
  };
  reading.origins.set(system, element);
  return system;
}

function warnWithoutInfo(reading: Reading, element: XmlElement): void {
  if (childrenNamed(element, 'Info').length === 0 && !reading.lenient)
    reading.problems.warning(element, `${sectionName(element)} has no Info, which only people would read`);
}

function readHardwares(reading: Reading, element: XmlElement, sections: Sections): VirtualSystem['hardware'] {
  const hardware = (sections.get('VirtualHardwareSection') ?? []).map((each) => readHardware(reading, each));
  if (hardware.length === 0)
    reading.problems.error(element, 'the virtual system has no VirtualHardwareSection');
  const firmware = firmwareOfVirtualBox(element);
  return hardware.map((each) => ({ ...(firmware && { firmware }), ...each }));
}

/** Ids are those of CIM_OperatingSystem.OsType; where one is none, 0 says unknown (9.9). */
function readOperatingSystem(reading: Reading, sections: Sections): VirtualSystem['operatingSystem'] {
  const [section] = sections.get('OperatingSystemSection') ?? [];
  if (section === undefined) return undefined;
  checkChildren(reading, section, new Set(['Info', 'Description']));
  const text = attribute(section, 'id') ?? '';
  const id = parseWhole(text);
  const known = id !== undefined && id <= 0xffffn;
  if (!known) reading.problems.warning(section, `the operating system ${quoted(text)} is no number`);
  return {
    id: known ? Number(id) : 0,
    ...present({
      version: attribute(section, 'version'),
      description: childText(reading, section, 'Description'),
    }),
  };
}

function readTexts(reading: Reading, sections: Sections, section: string, child: string): string[] {
  return (sections.get(section) ?? []).flatMap((element) => {
    checkChildren(reading, element, new Set(['Info', child]));
    return childrenNamed(element, child).flatMap((each) => textOf(reading, each) ?? []);
  });
}

function joined(texts: readonly string[]): string | undefined {
  return texts.length === 0 ? undefined : texts.join('\n\n');
}

/** What GVA wrote of an appliance of its own; only all of it together means something. */
function readFacts(reading: Reading, element: XmlElement): GvaFacts | undefined {
  const own = new Map(
    element.attributes
      .filter(({ namespace }) => namespace === GVA_NAMESPACE)
      .map(({ name, value }) => [name, value]),
  );
  if (own.size === 0) return undefined;
  const word = (name: string) => /^[A-Za-z0-9][A-Za-z0-9:+._-]{0,127}$/.exec(own.get(name) ?? '')?.[0];
  const contract = /^[1-9][0-9]{0,3}$/.exec(own.get('contract') ?? '')?.[0];
  const [base, baseDigest, digest] = [word('base'), word('baseDigest'), word('digest')];
  // What a later version may say is of no use to this one.
  const warm = warmUps.find((known) => known === own.get('warm'));
  if (contract !== undefined && base !== undefined && baseDigest !== undefined && digest !== undefined)
    return {
      contract: Number(contract),
      base: { name: base, digest: baseDigest },
      digest,
      ...(warm === undefined ? {} : { warm }),
    };
  reading.problems.warning(element, 'the attributes that say of a GVA appliance what it is are broken');
  return undefined;
}

function checkIds(reading: Reading, systems: readonly VirtualSystem[]): void {
  const ids = new Set<string>();
  for (const system of systems) {
    const element = reading.origins.get(system);
    if (element !== undefined && system.id !== '' && ids.has(system.id))
      reading.problems.error(element, `two virtual systems have the id ${quoted(system.id)}`);
    ids.add(system.id);
  }
}
