import { XSI_NAMESPACE, isOvf } from './namespaces.js';
import { type Reading, isRequired, reportUnknown } from './reading.js';
import type { XmlElement } from './xml.js';

export type Place = 'Envelope' | 'VirtualSystem' | 'VirtualSystemCollection';

/** Where each section may stand (DSP0243 1.1.0, clauses 8 and 9, and what 2.1 adds). */
const PLACES: ReadonlyMap<string, readonly Place[]> = new Map<string, readonly Place[]>([
  ['DiskSection', ['Envelope']],
  ['SharedDiskSection', ['Envelope']],
  ['NetworkSection', ['Envelope']],
  ['DeploymentOptionSection', ['Envelope']],
  ['PlacementGroupSection', ['Envelope']],
  ['AnnotationSection', ['VirtualSystem', 'VirtualSystemCollection']],
  ['ProductSection', ['VirtualSystem', 'VirtualSystemCollection']],
  ['EulaSection', ['VirtualSystem', 'VirtualSystemCollection']],
  ['PlacementSection', ['VirtualSystem', 'VirtualSystemCollection']],
  ['ResourceAllocationSection', ['VirtualSystemCollection']],
  ['StartupSection', ['VirtualSystemCollection']],
  ['ScaleOutSection', ['VirtualSystemCollection']],
  ['OperatingSystemSection', ['VirtualSystem']],
  ['VirtualHardwareSection', ['VirtualSystem']],
  ['InstallSection', ['VirtualSystem']],
  ['EnvironmentFilesSection', ['VirtualSystem']],
  ['BootDeviceSection', ['VirtualSystem']],
]);

/** Children that are no sections. */
const CONTENTS: Readonly<Record<Place, ReadonlySet<string>>> = {
  Envelope: new Set(['References', 'Strings', 'VirtualSystem', 'VirtualSystemCollection', 'Content']),
  VirtualSystem: new Set(['Info', 'Name']),
  VirtualSystemCollection: new Set(['Info', 'Name', 'VirtualSystem', 'VirtualSystemCollection', 'Content']),
};

/** The sections of an element by name. Tells of those that may not stand there and of unknown ones. */
export function sectionsOf(
  reading: Reading,
  parent: XmlElement,
  place: Place,
): ReadonlyMap<string, readonly XmlElement[]> {
  const sections = new Map<string, XmlElement[]>();
  for (const child of parent.children) {
    if (isContents(child, place)) continue;
    const name = sectionName(child);
    const places = isOvf(child.namespace) ? PLACES.get(name) : undefined;
    if (places === undefined) reportUnknown(reading, child, name);
    else if (!places.includes(place)) reportMisplaced(reading, child, name, places);
    else addTo(sections, name, child);
  }
  return sections;
}

/** Bundles of texts are found in a namespace of their own, too. */
function isContents({ name, namespace }: XmlElement, place: Place): boolean {
  return CONTENTS[place].has(name) && (isOvf(namespace) || name === 'Strings');
}

function addTo(sections: Map<string, XmlElement[]>, name: string, section: XmlElement): void {
  const same = sections.get(name);
  if (same === undefined) sections.set(name, [section]);
  else same.push(section);
}

/** The name of a section, of a virtual system or of a collection; OVF 0.9 gives it as a type of the schema. */
export function sectionName(element: XmlElement): string {
  if (element.name !== 'Section' && element.name !== 'Content') return element.name;
  const type = element.attributes.find((each) => each.name === 'type' && each.namespace === XSI_NAMESPACE);
  if (type === undefined) return element.name;
  return type.value.slice(type.value.indexOf(':') + 1).replace(/_Type$/, '');
}

/** Sections that are for managers of many machines: nobody misses them, and XenCenter puts them elsewhere. */
const NOT_READ: ReadonlySet<string> = new Set([
  'StartupSection',
  'ResourceAllocationSection',
  'ScaleOutSection',
  'PlacementSection',
  'PlacementGroupSection',
]);

function reportMisplaced(
  reading: Reading,
  element: XmlElement,
  name: string,
  places: readonly Place[],
): void {
  const message = `${name} may not stand here, only in ${places.join(' and ')}`;
  const matters = isRequired(element) && !reading.lenient && !NOT_READ.has(name);
  reading.problems.fault(element, matters, message);
}
